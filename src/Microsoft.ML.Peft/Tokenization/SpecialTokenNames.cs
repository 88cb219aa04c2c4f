using System.Text.Json;

namespace Microsoft.ML.Peft.Tokenization;

/// <summary>
/// The roles of special tokens, such as <c>pad_token</c>, and the length limit, which stand beside a tokenizer in
/// <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c>.
/// </summary>
internal sealed class SpecialTokenNames
{
    private readonly Dictionary<string, string> _names;

    /// <param name="names">The tokens' texts by their roles.</param>
    /// <param name="maxLength">The number of tokens that the model was made for.</param>
    public SpecialTokenNames(IEnumerable<KeyValuePair<string, string>> names, int? maxLength)
    {
        _names = new(names, StringComparer.Ordinal);
        MaxLength = maxLength;
    }

    /// <summary>The number of tokens that the model was made for; null when it is not known.</summary>
    public int? MaxLength { get; private set; }

    /// <summary>The text of the token with a role such as <c>pad_token</c>.</summary>
    public string? this[string role] => _names.GetValueOrDefault(role);

    public static SpecialTokenNames ReadBeside(string tokenizerPath)
    {
        SpecialTokenNames names = new([], maxLength: null);
        string folder = Path.GetDirectoryName(Path.GetFullPath(tokenizerPath))!;
        foreach (string file in (string[])["special_tokens_map.json", "tokenizer_config.json"])
        {
            string path = Path.Combine(folder, file);
            if (File.Exists(path))
                names.Read(path);
        }
        return names;
    }

    private void Read(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonObject json = new(document.RootElement, path, "the file");
            foreach (string role in (string[])["pad", "cls", "sep", "eos", "bos", "unk", "mask"])
            {
                string name = role + "_token";
                // A token is written as its text, or as an object with its text and how it is matched.
                if (json.KindOf(name) == JsonValueKind.Object)
                    _names[name] = json.Object(name).Text("content");
                else if (json.OptionalText(name) is string text)
                    _names[name] = text;
            }
            // "No limit" is written as a huge number.
            if (json.KindOf("model_max_length") == JsonValueKind.Number
                && json.Element("model_max_length").TryGetInt32(out int length))
                MaxLength = length;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path}: the file cannot be read as JSON of this kind: {e.Message}", e);
        }
    }
}
