using System.Buffers.Binary;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>Writes safetensors files, byte for byte as the reference implementation does.</summary>
internal static class SafetensorsWriter
{
    private const int Alignment = 8;
    private const int PartElements = 1 << 20;

    /// <summary>Writes a file atomically; see <see cref="AtomicFile"/>.</summary>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        AtomicFile.Write(path, stream => Write(stream, tensors, metadata));

    /// <summary>Writes tensors of any layout, on any device.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="metadata">Free-text entries; null for none.</param>
    /// <exception cref="ArgumentException">A tensor's element type does not exist in the format.</exception>
    public static void Write(Stream stream, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        List<(string Name, Tensor Tensor, ElementType Type)> sorted = [];
        foreach ((string name, Tensor tensor) in tensors)
        {
            ElementType type = ElementType.Of(tensor.dtype)
                ?? throw new ArgumentException($"The tensor '{name}' holds {tensor.dtype}, which the safetensors format lacks; convert it first.", nameof(tensors));
            sorted.Add((name, tensor, type));
        }

        sorted = [.. sorted.OrderByDescending(entry => ElementType.All.IndexOf(entry.Type)).ThenBy(entry => entry.Name, StringComparer.Ordinal)];
        byte[] header = Header(sorted, metadata);
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        stream.Write(prefix);
        stream.Write(header);
        foreach ((_, Tensor tensor, _) in sorted)
        {
            WriteData(stream, tensor);
        }
    }

    private static byte[] Header(List<(string Name, Tensor Tensor, ElementType Type)> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        List<string> entries = [];
        if (metadata is not null)
        {
            IEnumerable<string> pairs = metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)
                .Select(pair => $"{JsonText.Quote(pair.Key)}:{JsonText.Quote(pair.Value)}");
            entries.Add($"\"__metadata__\":{{{string.Join(',', pairs)}}}");
        }

        long offset = 0;
        foreach ((string name, Tensor tensor, ElementType type) in tensors)
        {
            long end = offset + tensor.numel() * (type.Bits / 8);
            entries.Add($"{JsonText.Quote(name)}:{{\"dtype\":\"{type.Name}\",\"shape\":[{string.Join(',', tensor.shape)}],\"data_offsets\":[{offset},{end}]}}");
            offset = end;
        }

        byte[] json = Encoding.UTF8.GetBytes($"{{{string.Join(',', entries)}}}");
        int padding = (Alignment - json.Length % Alignment) % Alignment;
        return [.. json, .. Enumerable.Repeat((byte)' ', padding)];
    }

    private static void WriteData(Stream stream, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        Tensor flat = tensor.detach().cpu().contiguous().view(-1);
        // In parts, because a span holds no more than 2 GiB.
        for (long done = 0, count = flat.numel(); done < count; done += PartElements)
        {
            using Tensor part = flat.narrow(0, done, Math.Min(PartElements, count - done));
            stream.Write(part.bytes);
        }
    }
}
