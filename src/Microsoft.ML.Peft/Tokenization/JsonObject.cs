using System.Text.Json;

namespace Microsoft.ML.Peft.Tokenization;

/// <summary>An object of a tokenizer file, which knows where it stands, so that errors can say so.</summary>
internal sealed class JsonObject
{
    private readonly JsonElement _element;
    private readonly string _file;
    private readonly string _path;

    public JsonObject(JsonElement element, string file, string path)
    {
        (_element, _file, _path) = (element, file, path);
        if (element.ValueKind != JsonValueKind.Object)
            throw Invalid("is not a JSON object");
    }

    /// <summary>The component's <c>type</c>, or null when it has none.</summary>
    public string? Type => OptionalText("type");

    public bool Has(string name) => _element.TryGetProperty(name, out JsonElement value)
        && value.ValueKind != JsonValueKind.Null;

    public JsonElement Element(string name) => Has(name)
        ? _element.GetProperty(name)
        : throw Invalid($"lacks '{name}'");

    public JsonValueKind KindOf(string name) => Has(name) ? Element(name).ValueKind : JsonValueKind.Null;

    public JsonObject Object(string name) => new(Element(name), _file, Join(name));

    public JsonObject? OptionalObject(string name) => Has(name) ? Object(name) : null;

    /// <summary>The objects of an array.</summary>
    public IEnumerable<JsonObject> Objects(string name) =>
        Array(name).Select((element, index) => new JsonObject(element, _file, $"{Join(name)}[{index}]"));

    public IEnumerable<JsonElement> Array(string name)
    {
        JsonElement element = Element(name);
        return element.ValueKind == JsonValueKind.Array
            ? element.EnumerateArray()
            : throw Invalid($"has a '{name}' that is not an array");
    }

    public IEnumerable<JsonProperty> Properties(string name)
    {
        JsonElement element = Element(name);
        return element.ValueKind == JsonValueKind.Object
            ? element.EnumerateObject()
            : throw Invalid($"has a '{name}' that is not an object");
    }

    public string Text(string name) => OptionalText(name) ?? throw Invalid($"lacks '{name}'");

    public string? OptionalText(string name)
    {
        if (!Has(name))
            return null;
        JsonElement element = Element(name);
        return element.ValueKind == JsonValueKind.String
            ? element.GetString()
            : throw Invalid($"has a '{name}' that is not a string");
    }

    public bool Flag(string name, bool missing) => Has(name)
        ? Element(name).ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Invalid($"has a '{name}' that is neither true nor false"),
        }
        : missing;

    public int Count(string name) => CountOf(Element(name), name);

    /// <summary>A number that is an index or a count: whole, and not negative.</summary>
    public int CountOf(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int count) && count >= 0 && count < int.MaxValue
            ? count
            : throw Invalid($"has '{name}' = {value.GetRawText()}, which is not an index");

    public InvalidDataException Invalid(string problem) => new($"{_file}: {_path} {problem}.");

    public NotSupportedException Unsupported(string problem) => new($"{_file}: {_path} {problem}.");

    public NotSupportedException UnsupportedType() => Unsupported($"has the type '{Type}', which is not supported");

    private string Join(string name) => $"{_path}.{name}";
}
