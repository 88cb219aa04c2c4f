using System.Numerics;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>
/// The header of a GGUF file (version 2 or 3, little endian). Afterwards every tensor lies inside the file, aligned and
/// apart from the others, and its shape fits its length.
/// </summary>
internal sealed class GgufHeader
{
    private const uint Magic = 0x4655_4747;
    private const int MaxDimensions = 4;
    private const uint DefaultAlignment = 32;
    private const string AlignmentKey = "general.alignment";

    private readonly string _path;
    private readonly GgufReader _reader;
    private readonly Dictionary<string, object> _metadata = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GgufTensorInfo> _tensors = new(StringComparer.Ordinal);

    private GgufHeader(string path, Stream file)
    {
        _path = path;
        _reader = new GgufReader(path, file);
    }

    /// <summary>Numbers, truth values and strings, and arrays of these, by their keys.</summary>
    public IReadOnlyDictionary<string, object> Metadata => _metadata;

    public IReadOnlyDictionary<string, GgufTensorInfo> Tensors => _tensors;

    /// <summary>Reads the header at the start of <paramref name="file"/>, which was opened from <paramref name="path"/>.</summary>
    public static GgufHeader Read(string path, Stream file)
    {
        var header = new GgufHeader(path, file);
        header.CheckVersion();
        ulong tensors = header._reader.Number<ulong>();
        ulong values = header._reader.Number<ulong>();
        for (ulong i = 0; i < values; i++)
        {
            header.ReadValue(i);
        }

        var described = new List<GgufTensorInfo>();
        for (ulong i = 0; i < tensors; i++)
        {
            described.Add(header.ReadTensor(i));
        }

        header.Place(described, file.Length);
        return header;
    }

    private void CheckVersion()
    {
        if (_reader.Number<uint>() != Magic)
        {
            throw _reader.Invalid("does not begin with 'GGUF'");
        }

        uint version = _reader.Number<uint>();
        if (version is not (2 or 3))
        {
            throw new NotSupportedException(version << 16 != 0 || version == 0
                ? $"'{_path}' is a GGUF file of version {version}, which is not supported; use a file of version 2 or 3."
                : $"'{_path}' is a big-endian GGUF file, which is not supported; use a little-endian one.");
        }
    }

    private void ReadValue(ulong index)
    {
        _reader.Subject = $"the key of its metadata value {index}";
        string key = _reader.Text();
        _reader.Subject = $"its metadata value '{key}'";
        if (!_metadata.TryAdd(key, _reader.Value()))
        {
            throw _reader.Invalid("is there twice");
        }
    }

    /// <summary>A tensor's description, with its offset still relative to where the data begin.</summary>
    private GgufTensorInfo ReadTensor(ulong index)
    {
        _reader.Subject = $"the name of its tensor {index}";
        string name = _reader.Text();
        _reader.Subject = $"its tensor '{name}'";
        uint dimensions = _reader.Number<uint>();
        if (dimensions > MaxDimensions)
        {
            throw _reader.Invalid($"has {dimensions} dimensions, more than the {MaxDimensions} allowed");
        }

        var lengths = new ulong[dimensions];
        for (int i = 0; i < lengths.Length; i++)
        {
            lengths[i] = _reader.Number<ulong>();
        }

        uint id = _reader.Number<uint>();
        GgufType type = GgufType.Numbered(id) ?? throw new NotSupportedException(
            $"'{_path}' stores {_reader.Subject} in the unknown type {id}, which cannot be read; use a file of {GgufType.Readable}.");
        long length = DataLength(lengths, type);
        ulong offset = _reader.Number<ulong>();
        if (offset > long.MaxValue)
        {
            throw _reader.Invalid($"begins at byte {offset} of the data, which is outside of the file");
        }

        Array.Reverse(lengths);
        return new GgufTensorInfo(name, type, Array.ConvertAll(lengths, dimension => (long)dimension), (long)offset, length);
    }

    /// <summary>The size in bytes of a tensor, whose first dimension is a row's length.</summary>
    private long DataLength(ulong[] dimensions, GgufType type)
    {
        UInt128 strides = sizeof(float);
        foreach (ulong dimension in dimensions)
        {
            // libtorch counts an empty dimension as 1 in its strides, and the values are read as up to four bytes each.
            strides *= Math.Max(dimension, 1);
            if (strides > long.MaxValue)
            {
                throw _reader.Invalid($"has the dimensions [{string.Join(", ", dimensions)}], whose size in bytes is no 64-bit integer");
            }
        }

        ulong row = dimensions.Length == 0 ? 1 : dimensions[0];
        if (row % (ulong)type.BlockLength != 0)
        {
            throw _reader.Invalid($"has rows of {row} elements, which do not fill blocks of {type.BlockLength} ({type.Name})");
        }

        // Of 64-bit integers, the widest type, this may be twice as much as was checked.
        Int128 elements = 1;
        foreach (ulong dimension in dimensions)
        {
            elements *= dimension;
        }

        Int128 bytes = elements / type.BlockLength * type.BlockBytes;
        return bytes <= long.MaxValue ? (long)bytes : throw _reader.Invalid("has more bytes than a 64-bit integer counts");
    }

    private void Place(List<GgufTensorInfo> tensors, long fileLength)
    {
        _reader.Subject = $"its metadata value '{AlignmentKey}'";
        if (_metadata.GetValueOrDefault(AlignmentKey, DefaultAlignment) is not uint alignment || !BitOperations.IsPow2(alignment))
        {
            throw _reader.Invalid("is not a power of two (as a 32-bit integer)");
        }

        long dataStart = (_reader.Position + alignment - 1) / alignment * alignment;
        foreach (GgufTensorInfo tensor in tensors)
        {
            _reader.Subject = $"its tensor '{tensor.Name}'";
            if (tensor.Offset % alignment != 0)
            {
                throw _reader.Invalid($"begins at byte {tensor.Offset} of the data, which is no multiple of the alignment {alignment}");
            }

            if (tensor.Offset > fileLength - dataStart || tensor.Length > fileLength - dataStart - tensor.Offset)
            {
                throw _reader.Invalid($"of {tensor.Length} bytes ends behind the end of the file ({fileLength} bytes); the file seems to be truncated");
            }

            if (!_tensors.TryAdd(tensor.Name, tensor with { Offset = dataStart + tensor.Offset }))
            {
                throw _reader.Invalid("is there twice");
            }
        }

        CheckOverlaps();
    }

    private void CheckOverlaps()
    {
        long end = 0;
        foreach (GgufTensorInfo tensor in _tensors.Values.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.Length))
        {
            if (tensor.Offset < end)
            {
                _reader.Subject = $"its tensor '{tensor.Name}'";
                throw _reader.Invalid($"overlaps the one before it, which ends at byte {end}");
            }

            end = tensor.Offset + tensor.Length;
        }
    }
}
