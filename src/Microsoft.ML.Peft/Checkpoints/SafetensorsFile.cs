using System.Runtime.InteropServices;
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
    private readonly long _fileLength;
    // One mapping per element type, because TorchSharp cannot view a tensor as another type.
    private readonly Dictionary<ScalarType, Tensor> _mappings = [];
    private bool _disposed;

    private SafetensorsFile(string path, SafetensorsHeader header, long fileLength)
    {
        Path = path;
        _header = header;
        _fileLength = fileLength;
    }

    public string Path { get; }

    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _header.Tensors;

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not a valid safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        using FileStream file = File.OpenRead(path);
        return new SafetensorsFile(path, SafetensorsHeader.Read(path, file), file.Length);
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

        using Tensor flat = Mapping(type, size).narrow(0, info.Offset / size, info.Length / size);
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
        if (length == 0)
        {
            return [];
        }

        using Tensor bytes = Mapping(ScalarType.Byte, 1).narrow(0, info.Offset + start, length);
        return bytes.bytes;
    }

    public void Dispose()
    {
        lock (_mappings)
        {
            _disposed = true;
            foreach (Tensor mapping in _mappings.Values)
            {
                mapping.Dispose();
            }

            _mappings.Clear();
        }
    }

    private Tensor Mapping(ScalarType type, int size)
    {
        lock (_mappings)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_mappings.TryGetValue(type, out Tensor? mapping))
            {
                try
                {
                    mapping = from_file(Path, shared: false, _fileLength / size, type, CPU).DetachFromDisposeScope();
                }
                catch (ExternalException e)
                {
                    throw new IOException($"'{Path}' could not be mapped into memory; check that the file is still there and unchanged. {e.Message}", e);
                }

                _mappings.Add(type, mapping);
            }

            return mapping;
        }
    }

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
