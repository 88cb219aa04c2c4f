using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>The key values of a label column, in class order; of any primitive type.</summary>
internal abstract class LabelKeys(VectorDataViewType type)
{
    private static readonly Dictionary<string, PrimitiveDataViewType> ItemTypes = new PrimitiveDataViewType[]
    {
        TextDataViewType.Instance, BooleanDataViewType.Instance,
        NumberDataViewType.SByte, NumberDataViewType.Int16, NumberDataViewType.Int32, NumberDataViewType.Int64,
        NumberDataViewType.Byte, NumberDataViewType.UInt16, NumberDataViewType.UInt32, NumberDataViewType.UInt64,
        NumberDataViewType.Single, NumberDataViewType.Double,
        DateTimeDataViewType.Instance, DateTimeOffsetDataViewType.Instance, TimeSpanDataViewType.Instance,
    }.ToDictionary(NameOf);

    private static readonly JsonSerializerOptions JsonOptions = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new TextConverter() },
    };

    /// <summary>The annotation's type: a vector of known size.</summary>
    public VectorDataViewType Type { get; } = type;

    /// <summary>The values as text, culture-invariant.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    public bool IsText => Type.ItemType is TextDataViewType;

    public static LabelKeys? From(DataViewSchema.Column label)
    {
        const string kind = AnnotationUtils.Kinds.KeyValues;
        if (label.Annotations.Schema.GetColumnOrNull(kind)?.Type is not VectorDataViewType { IsKnownSize: true } type)
            return null;
        if (!ItemTypes.ContainsKey(NameOf(type.ItemType)))
            throw new NotSupportedException(
                $"The key values of the label column '{label.Name}' are {type.ItemType}; supported are {string.Join(", ", ItemTypes.Keys)}.");
        return Invoke(nameof(Read), type.ItemType, label.Annotations, type);
    }

    /// <summary>Text keys.</summary>
    public static LabelKeys FromNames(IReadOnlyList<string> names)
        => new Keys<ReadOnlyMemory<char>>(new VectorDataViewType(TextDataViewType.Instance, names.Count), [.. names.Select(name => name.AsMemory())]);

    public bool SameAs(LabelKeys other) => Type.ItemType.Equals(other.Type.ItemType) && Names.SequenceEqual(other.Names);

    /// <summary>Adds the values to a column's annotations.</summary>
    public abstract void AddTo(DataViewSchema.Annotations.Builder annotations, string kind);

    public abstract byte[] ToJson();

    /// <exception cref="FormatException">The values' type is unknown, or there are none.</exception>
    /// <exception cref="JsonException">The bytes are not what <see cref="ToJson"/> wrote.</exception>
    public static LabelKeys FromJson(ReadOnlySpan<byte> json)
    {
        var saved = JsonSerializer.Deserialize<Saved<JsonElement>>(json, JsonOptions);
        if (saved?.Type is null || !ItemTypes.TryGetValue(saved.Type, out var itemType))
            throw new FormatException($"the label values' type '{saved?.Type}' is unknown");
        return Invoke(nameof(Parse), itemType, saved.Values, itemType);
    }

    private static Keys<T> Read<T>(DataViewSchema.Annotations annotations, VectorDataViewType type)
    {
        VBuffer<T> values = default;
        annotations.GetValue(AnnotationUtils.Kinds.KeyValues, ref values);
        return new(type, [.. values.DenseValues()]);
    }

    private static Keys<T> Parse<T>(JsonElement json, PrimitiveDataViewType itemType)
    {
        var values = json.Deserialize<T[]>(JsonOptions) is { Length: > 0 } array ? array : throw new FormatException("it has no label values");
        return new(new VectorDataViewType(itemType, values.Length), values);
    }

    private static LabelKeys Invoke(string method, DataViewType itemType, params object[] arguments)
        => (LabelKeys)typeof(LabelKeys).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(itemType.RawType).Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null)!;

    private static string NameOf(DataViewType type) => type.ToString()!;

    private sealed record Saved<T>(string Type, T Values);

    // The serializer's own converter breaks escaped surrogate pairs.
    private sealed class TextConverter : JsonConverter<ReadOnlyMemory<char>>
    {
        public override ReadOnlyMemory<char> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString().AsMemory();

        public override void Write(Utf8JsonWriter writer, ReadOnlyMemory<char> value, JsonSerializerOptions options) => writer.WriteStringValue(value.Span);
    }

    private sealed class Keys<T>(VectorDataViewType type, T[] values) : LabelKeys(type)
    {
        public override IReadOnlyList<string> Names { get; } = [.. values.Select(v => Convert.ToString(v, CultureInfo.InvariantCulture)!)];

        public override void AddTo(DataViewSchema.Annotations.Builder annotations, string kind)
            => annotations.Add(kind, Type, (ref VBuffer<T> target) =>
            {
                var editor = VBufferEditor.Create(ref target, values.Length);
                values.CopyTo(editor.Values);
                target = editor.Commit();
            });

        public override byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(new Saved<T[]>(NameOf(Type.ItemType), values), JsonOptions);
    }
}
