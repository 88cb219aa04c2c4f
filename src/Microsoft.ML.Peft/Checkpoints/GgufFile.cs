using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>
/// A GGUF file: a model's configuration, tokenizer and weights, mapped into memory. Weights are dequantised when they are
/// read; those that are stored in the wanted type lie directly over the mapping and are to be treated as read-only.
/// </summary>
internal sealed class GgufFile : IDisposable
{
    // Whole blocks of every type; large enough that sharing out the parts costs nothing.
    private const int PartLength = 1 << 16;
    // Whole blocks of every type, small enough to stay in the cache.
    private const int StepLength = 1 << 11;

    private readonly GgufHeader _header;
    private readonly MappedFile _file;

    private GgufFile(GgufHeader header, MappedFile file)
    {
        _header = header;
        _file = file;
    }

    public string Path => _file.Path;

    /// <summary>Numbers of the format's types, <see cref="bool"/>, strings, and arrays of these (arrays of arrays as objects), by their keys.</summary>
    public IReadOnlyDictionary<string, object> Metadata => _header.Metadata;

    public IReadOnlyDictionary<string, GgufTensorInfo> Tensors => _header.Tensors;

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not a valid GGUF file.</exception>
    /// <exception cref="NotSupportedException">The file is of an unsupported version or byte order.</exception>
    public static GgufFile Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        return new GgufFile(GgufHeader.Read(path, file), new MappedFile(path, file.Length));
    }

    /// <summary>What the header says about a tensor.</summary>
    /// <exception cref="InvalidDataException">The file has no such tensor.</exception>
    public GgufTensorInfo Info(string name) =>
        Tensors.TryGetValue(name, out GgufTensorInfo? info) ? info : throw TensorNames.Missing(name, Tensors.Keys, Path);

    /// <summary>A tensor's values as <see cref="ScalarType.Float32"/> or <see cref="ScalarType.BFloat16"/> (rounded to nearest even), to be disposed by the caller.</summary>
    /// <exception cref="InvalidDataException">The file has no such tensor.</exception>
    /// <exception cref="NotSupportedException">The tensor is stored in a type that cannot be read.</exception>
    public Tensor Read(string name, ScalarType type)
    {
        if (type is not (ScalarType.Float32 or ScalarType.BFloat16))
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, "Weights are read as Float32 or BFloat16; convert the tensor afterwards.");
        }

        GgufTensorInfo info = Info(name);
        Dequantizer dequantize = info.Type.Dequantize ?? throw new NotSupportedException(
            $"The tensor '{name}' in '{Path}' is stored as {info.Type.Name}, which cannot be read; use a file of {GgufType.Readable}.");
        if (info.Length == 0)
        {
            return empty(info.Shape, type, CPU);
        }

        if (info.Type.ScalarType == type && info.Offset % info.Type.BlockBytes == 0)
        {
            using Tensor flat = _file.View(type, info.Offset, info.Length / info.Type.BlockBytes);
            return flat.view(info.Shape);
        }

        return Dequantised(info, dequantize, type);
    }

    /// <summary>A matrix as it is stored, over the mapped file, which it keeps mapped; to be disposed by the caller.</summary>
    /// <exception cref="InvalidDataException">The file has no such tensor.</exception>
    public StoredMatrix Stored(string name)
    {
        GgufTensorInfo info = Info(name);
        return new StoredMatrix(_file.View(ScalarType.Byte, info.Offset, info.Length), info.Type, info.Shape[0], info.Shape[1], null);
    }

    /// <summary>A part of a tensor's bytes as they are stored, valid until the file object is disposed.</summary>
    public ReadOnlySpan<byte> Bytes(string name, long start, int length)
    {
        GgufTensorInfo info = Info(name);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, info.Length - length);
        return _file.Bytes(info.Offset + start, length);
    }

    /// <summary>A text from the metadata; null where the key is missing.</summary>
    /// <exception cref="InvalidDataException">The value is of another kind.</exception>
    public string? Text(string key) => Find(key) is { } value ? value as string ?? throw Unexpected(key, "a string") : null;

    /// <summary>A whole number from the metadata; null where the key is missing.</summary>
    /// <exception cref="InvalidDataException">The value is of another kind.</exception>
    public long? Integer(string key)
    {
        object? value = Find(key);
        return value switch
        {
            null => null,
            byte or sbyte or ushort or short or uint or int or long or ulong and <= long.MaxValue => Convert.ToInt64(value, CultureInfo.InvariantCulture),
            _ => throw Unexpected(key, "a whole number"),
        };
    }

    /// <summary>A number from the metadata; null where the key is missing.</summary>
    /// <exception cref="InvalidDataException">The value is of another kind.</exception>
    public double? Number(string key) => Find(key) switch
    {
        null => null,
        float value => value,
        double value => value,
        ulong value => value,
        _ => Integer(key),
    };

    /// <summary>A truth value from the metadata; null where the key is missing.</summary>
    /// <exception cref="InvalidDataException">The value is of another kind.</exception>
    public bool? Flag(string key) => Find(key) is { } value ? value as bool? ?? throw Unexpected(key, "true or false") : null;

    public void Dispose() => _file.Dispose();

    private Tensor Dequantised(GgufTensorInfo info, Dequantizer dequantize, ScalarType type)
    {
        (int blockLength, int blockBytes) = (info.Type.BlockLength, info.Type.BlockBytes);
        // It keeps the mapping alive until all parts are done.
        using Tensor blocks = _file.View(ScalarType.Byte, info.Offset, info.Length);
        Tensor tensor = empty(info.Shape, type, CPU);
        using Tensor values = tensor.view(-1);
        long count = values.shape[0];
        Parallel.For(0L, (count + PartLength - 1) / PartLength, part =>
        {
            long start = part * PartLength, length = Math.Min(PartLength, count - start);
            using Tensor source = blocks.narrow(0, start / blockLength * blockBytes, length / blockLength * blockBytes);
            using Tensor target = values.narrow(0, start, length);
            if (type == ScalarType.Float32)
            {
                dequantize(source.bytes, MemoryMarshal.Cast<byte, float>(target.bytes));
            }
            else
            {
                Round(info.Type, dequantize, source.bytes, MemoryMarshal.Cast<byte, ushort>(target.bytes));
            }
        });
        return tensor;
    }

    private static void Round(GgufType type, Dequantizer dequantize, ReadOnlySpan<byte> blocks, Span<ushort> target)
    {
        Span<float> values = stackalloc float[StepLength];
        int stepBytes = StepLength / type.BlockLength * type.BlockBytes;
        while (!target.IsEmpty)
        {
            values = values[..Math.Min(values.Length, target.Length)];
            dequantize(blocks[..Math.Min(stepBytes, blocks.Length)], values);
            GgufBlocks.Round(values, target);
            blocks = blocks[Math.Min(stepBytes, blocks.Length)..];
            target = target[values.Length..];
        }
    }

    private object? Find(string key) => Metadata.GetValueOrDefault(key);

    private InvalidDataException Unexpected(string key, string expected) =>
        new($"'{Path}' has the metadata value '{key}', which is not {expected}; download or write the file again.");
}
