using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>
/// A safetensors file mapped into memory. A tensor read from it lies directly over the mapping, so that nothing is copied
/// and unused weights are never loaded; it keeps the mapping alive, also after the file object is disposed.
/// Treat such a tensor as read-only: a write would go to a private copy of the page, which later reads would see, never to the file.
/// The file must not be truncated while it is mapped.
/// </summary>
internal sealed class SafetensorsFile : IDisposable
{
    private readonly SafetensorsHeader _header;
    private readonly MappedFile _file;

    private SafetensorsFile(SafetensorsHeader header, MappedFile file)
    {
        _header = header;
        _file = file;
    }

    public string Path => _file.Path;

    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _header.Tensors;

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not a valid safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        using FileStream file = File.OpenRead(path);
        return new SafetensorsFile(SafetensorsHeader.Read(path, file), new MappedFile(path, file.Length));
    }

    /// <summary>What the header says about a tensor.</summary>
    /// <exception cref="InvalidDataException">The file has no such tensor.</exception>
    public TensorInfo Info(string name) =>
        Tensors.TryGetValue(name, out TensorInfo? info) ? info : throw TensorNames.Missing(name, Tensors.Keys, Path);

    /// <summary>A tensor over the mapped file, to be disposed by the caller.</summary>
    /// <exception cref="InvalidDataException">The file has no such tensor.</exception>
    /// <exception cref="NotSupportedException">Its elements are of a type that TorchSharp lacks.</exception>
    public Tensor Read(string name)
    {
        TensorInfo info = Info(name);
        ScalarType type = info.Type ?? throw new NotSupportedException(
            $"The tensor '{name}' in '{Path}' holds {info.ElementType.Name}, which cannot be read; convert the file to F32, F16 or BF16.");
        if (info.Length == 0)
        {
            return empty(info.Shape, type, CPU);
        }

        int size = info.ElementType.Bits / 8;
        if (info.Offset % size != 0)
        {
            return Copy(info, type);
        }

        using Tensor flat = _file.View(type, info.Offset, info.Length / size);
        return flat.view(info.Shape);
    }

    /// <summary>The bytes of a tensor of up to 2 GiB, valid until the file object is disposed.</summary>
    public ReadOnlySpan<byte> Bytes(string name) => Bytes(name, 0, checked((int)Info(name).Length));

    /// <summary>A part of a tensor's bytes, valid until the file object is disposed.</summary>
    public ReadOnlySpan<byte> Bytes(string name, long start, int length)
    {
        TensorInfo info = Info(name);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, info.Length - length);
        return _file.Bytes(info.Offset + start, length);
    }

    public void Dispose() => _file.Dispose();

    // Elements that do not lie at a multiple of their size, as other writers leave them, cannot be mapped.
    private Tensor Copy(TensorInfo info, ScalarType type)
    {
        Tensor tensor = empty(info.Shape, type, CPU);
        using Tensor flat = tensor.view(-1);
        int size = info.ElementType.Bits / 8;
        const int MaxPart = 1 << 27;
        for (long done = 0, count = info.Length / size; done < count; done += MaxPart)
        {
            using Tensor part = flat.narrow(0, done, Math.Min(MaxPart, count - done));
            Span<byte> target = part.bytes;
            Bytes(info.Name, done * size, target.Length).CopyTo(target);
        }

        return tensor;
    }
}
