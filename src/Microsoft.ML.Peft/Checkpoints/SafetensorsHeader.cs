using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>
/// The header of a safetensors file, checked as strictly as the reference implementation does: afterwards every tensor
/// lies inside the file, none overlap, and together they fill it.
/// </summary>
internal sealed class SafetensorsHeader
{
    private const int PrefixLength = sizeof(ulong);
    private const int MaxLength = 100_000_000;
    private const string MetadataKey = "__metadata__";

    private readonly string _path;
    private readonly Dictionary<string, string> _metadata = [];
    private readonly Dictionary<string, TensorInfo> _tensors = [];

    private SafetensorsHeader(string path) => _path = path;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    /// <summary>Reads the header at the start of <paramref name="file"/>, which was opened from <paramref name="path"/>.</summary>
    public static SafetensorsHeader Read(string path, Stream file)
    {
        var header = new SafetensorsHeader(path);
        byte[] json = header.ReadJson(file);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            foreach (JsonProperty entry in document.RootElement.EnumerateObject())
            {
                header.Add(entry, PrefixLength + json.LongLength);
            }
        }
        // The latter for strings with half of a surrogate pair, and for a root that is no object.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw header.Invalid($"its header is not well-formed JSON: {e.Message}", e);
        }

        header.CheckLayout(PrefixLength + json.LongLength, file.Length);
        return header;
    }

    private byte[] ReadJson(Stream file)
    {
        if (file.Length < PrefixLength)
        {
            throw Invalid($"it has {file.Length} bytes, fewer than the {PrefixLength} of the header's length");
        }

        Span<byte> prefix = stackalloc byte[PrefixLength];
        file.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxLength)
        {
            throw Invalid($"it declares a header of {length} bytes, more than the {MaxLength} allowed");
        }

        if ((long)length > file.Length - PrefixLength)
        {
            throw Invalid($"it declares a header of {length} bytes, but only {file.Length - PrefixLength} follow");
        }

        byte[] json = new byte[length];
        file.ReadExactly(json);
        if (json.Length == 0 || json[0] != '{' || !Utf8.IsValid(json))
        {
            throw Invalid("its header is not a JSON object in UTF-8");
        }

        return json;
    }

    private void Add(JsonProperty entry, long dataStart)
    {
        if (entry.Name == MetadataKey)
        {
            AddMetadata(entry.Value);
            return;
        }

        if (entry.Value.ValueKind != JsonValueKind.Object ||
            !entry.Value.TryGetProperty("dtype", out JsonElement dtype) ||
            !entry.Value.TryGetProperty("shape", out JsonElement shape) ||
            !entry.Value.TryGetProperty("data_offsets", out JsonElement offsets))
        {
            throw Invalid(entry.Name, "lacks dtype, shape or data_offsets");
        }

        ElementType type = (dtype.ValueKind == JsonValueKind.String ? ElementType.Named(dtype.GetString()) : null)
            ?? throw Invalid(entry.Name, $"has the unknown dtype {dtype.GetRawText()}");
        long[] dimensions = Numbers(shape) ?? throw Invalid(entry.Name, "has a shape that is not a list of non-negative integers");
        if (Numbers(offsets) is not [long begin, long end] || begin > end)
        {
            throw Invalid(entry.Name, "has data_offsets that are not two ascending non-negative integers");
        }

        if (DataLength(dimensions, type) is not { } length)
        {
            throw Invalid(entry.Name, $"has the shape [{string.Join(", ", dimensions)}], whose size in bytes is no 64-bit integer");
        }

        if (end - begin != length)
        {
            throw Invalid(entry.Name, $"needs {length} bytes for {type.Name} of shape [{string.Join(", ", dimensions)}], but its data_offsets span {end - begin}");
        }

        if (begin > long.MaxValue - dataStart)
        {
            throw Invalid(entry.Name, "has data_offsets outside the file");
        }

        _tensors.Add(entry.Name, new TensorInfo(entry.Name, type, dimensions, dataStart + begin, length));
    }

    private void AddMetadata(JsonElement metadata)
    {
        if (metadata.ValueKind != JsonValueKind.Object || metadata.EnumerateObject().Any(pair => pair.Value.ValueKind != JsonValueKind.String))
        {
            throw Invalid($"its {MetadataKey} is not a map from strings to strings");
        }

        foreach (JsonProperty pair in metadata.EnumerateObject())
        {
            _metadata.Add(pair.Name, pair.Value.GetString()!);
        }
    }

    private void CheckLayout(long dataStart, long fileLength)
    {
        long expected = dataStart;
        foreach (TensorInfo tensor in _tensors.Values.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.Length))
        {
            if (tensor.Offset != expected)
            {
                string fault = tensor.Offset < expected ? "overlaps the one before it" : "leaves a hole before it";
                throw Invalid(tensor.Name, $"{fault}: it begins at byte {tensor.Offset} of the file instead of {expected}");
            }

            if (tensor.Length > fileLength - tensor.Offset)
            {
                throw Invalid(tensor.Name, $"ends behind the end of the file ({fileLength} bytes); the file seems to be truncated");
            }

            expected += tensor.Length;
        }

        if (expected != fileLength)
        {
            throw Invalid($"its tensors end at byte {expected}, but the file has {fileLength}");
        }
    }

    private static long[]? Numbers(JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var numbers = new List<long>();
        foreach (JsonElement element in list.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt64(out long number) || number < 0)
            {
                return null;
            }

            numbers.Add(number);
        }

        return [.. numbers];
    }

    /// <summary>The size in bytes, or null where it, or libtorch's strides for it, would overflow.</summary>
    private static long? DataLength(long[] shape, ElementType type)
    {
        Int128 bits = type.Bits, strides = type.Bits;
        foreach (long dimension in shape)
        {
            bits *= dimension;
            // libtorch counts an empty dimension as 1 in its strides.
            strides *= Math.Max(dimension, 1);
            if (strides > long.MaxValue)
            {
                return null;
            }
        }

        return bits % 8 == 0 ? (long)(bits / 8) : null;
    }

    private InvalidDataException Invalid(string tensor, string fault) => Invalid($"its tensor '{tensor}' {fault}");

    private InvalidDataException Invalid(string fault, Exception? cause = null) =>
        new($"'{_path}' is not a valid safetensors file: {fault}. Download or write the file again.", cause);
}
