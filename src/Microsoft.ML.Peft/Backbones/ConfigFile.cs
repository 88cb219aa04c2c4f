using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>A model's `config.json`, read value by value with errors that name file and key.</summary>
internal sealed class ConfigFile
{
    private readonly JsonElement _root;

    private ConfigFile(string path, JsonElement root)
    {
        Path = path;
        _root = root;
    }

    public string Path { get; }

    public static ConfigFile Read(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"'{path}' does not exist; a model directory needs config.json, model.safetensors and tokenizer.json.", path);
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"'{path}' is not a JSON object.");
            return new ConfigFile(path, document.RootElement.Clone());
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}' is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>A configuration that another kind of file states.</summary>
    public static ConfigFile From(string path, JsonObject values) => new(path, JsonSerializer.SerializeToElement(values));

    /// <summary>Whether the file has the key, be it with null: then no default takes its place.</summary>
    public bool States(string key) => _root.TryGetProperty(key, out _);

    public string Text(string key) => TextOrNull(key) ?? throw new InvalidDataException($"'{Path}' has no '{key}'.");

    public string? TextOrNull(string key)
    {
        if (!Has(key, out var value))
            return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(key, "a string");
    }

    /// <summary>A text, or of a list of named texts the one with the name.</summary>
    public string? NamedTextOrNull(string key, string nameKey, string name, string textKey)
    {
        if (!Has(key, out var value) || value.ValueKind != JsonValueKind.Array)
            return TextOrNull(key);
        return value.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object).Select(item => new ConfigFile(Path, item))
            .FirstOrDefault(item => item.TextOrNull(nameKey) == name)?.TextOrNull(textKey);
    }

    /// <summary>A whole number of at least <paramref name="minimum"/>.</summary>
    public int Integer(string key, int? fallback = null, int minimum = 1)
    {
        if (!Has(key, out var value))
            return fallback ?? throw new InvalidDataException($"'{Path}' has no '{key}'.");
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out int number) || number < minimum)
            throw Wrong(key, $"a whole number of at least {minimum}");
        return number;
    }

    public int? IntegerOrNull(string key) => Has(key, out _) ? Integer(key) : null;

    public double? PositiveOrNull(string key) => Has(key, out _) ? Positive(key, 0) : null;

    /// <summary>The values of a nested object, with the same errors.</summary>
    public ConfigFile? ObjectOrNull(string key)
    {
        if (!Has(key, out var value))
            return null;
        return value.ValueKind == JsonValueKind.Object ? new ConfigFile(Path, value) : throw Wrong(key, "an object");
    }

    /// <summary>A whole number or a list of them, none negative.</summary>
    public IReadOnlyList<int>? IntegersOrNull(string key)
    {
        if (!Has(key, out var value))
            return null;
        var numbers = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [value];
        return numbers.All(number => number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out int id) && id >= 0)
            ? [.. numbers.Select(number => number.GetInt32())]
            : throw Wrong(key, "a whole number of at least 0, or a list of them");
    }

    /// <summary>A list of as many texts as asked for.</summary>
    public IReadOnlyList<string>? TextsOrNull(string key, int count)
    {
        if (!Has(key, out var value))
            return null;
        bool fits = value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == count && value.EnumerateArray().All(text => text.ValueKind == JsonValueKind.String);
        return fits ? [.. value.EnumerateArray().Select(text => text.GetString()!)] : throw Wrong(key, $"a list of {count} texts");
    }

    public double Positive(string key, double fallback)
    {
        if (!Has(key, out var value))
            return fallback;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number > 0 ? number : throw Wrong(key, "a number above 0");
    }

    public bool Flag(string key, bool fallback = false)
    {
        if (!Has(key, out var value))
            return fallback;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(key, "true or false");
    }

    public Activation Activation(string key, string fallback)
    {
        string name = TextOrNull(key) ?? fallback;
        return name switch
        {
            "gelu" => Backbones.Activation.Gelu,
            "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => Backbones.Activation.GeluTanh,
            "relu" => Backbones.Activation.Relu,
            "silu" or "swish" => Backbones.Activation.Silu,
            _ => throw new NotSupportedException($"'{Path}' asks for the activation '{name}'; supported are gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, relu and silu."),
        };
    }

    private bool Has(string key, out JsonElement value) => _root.TryGetProperty(key, out value) && value.ValueKind != JsonValueKind.Null;

    private InvalidDataException Wrong(string key, string expected) =>
        new($"'{Path}': '{key}' is {_root.GetProperty(key).GetRawText()}, expected {expected}.");
}
