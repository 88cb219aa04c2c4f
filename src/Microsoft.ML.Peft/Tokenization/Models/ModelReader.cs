using System.Text.Json;

namespace Microsoft.ML.Peft.Tokenization.Models;

/// <summary>Reads the <c>model</c> of a tokenizer file.</summary>
internal static class ModelReader
{
    private const int DefaultMaxWordLength = 100;

    public static ITokenModel Read(JsonObject json) => (json.Type ?? GuessType(json)) switch
    {
        "WordPiece" => ReadWordPiece(json),
        "BPE" => ReadBpe(json),
        "Unigram" => ReadUnigram(json),
        _ => throw json.UnsupportedType(),
    };

    /// <summary>Files of early versions do not name the model's type.</summary>
    private static string? GuessType(JsonObject json) =>
        json.Has("merges") ? "BPE"
        : json.Has("max_input_chars_per_word") ? "WordPiece"
        : json.Has("unk_id") ? "Unigram"
        : null;

    private static WordPieceModel ReadWordPiece(JsonObject json)
    {
        Vocabulary vocabulary = ReadVocabulary(json);
        return new WordPieceModel(
            vocabulary,
            FindToken(json, vocabulary, json.OptionalText("unk_token") ?? "[UNK]", "unk_token"),
            json.OptionalText("continuing_subword_prefix") ?? "##",
            json.Has("max_input_chars_per_word") ? json.Count("max_input_chars_per_word") : DefaultMaxWordLength);
    }

    private static BpeModel ReadBpe(JsonObject json)
    {
        if (json.Has("dropout") && json.Element("dropout") is var dropout
            && !(dropout.ValueKind == JsonValueKind.Number && dropout.GetDouble() == 0))
            throw json.Unsupported("drops merges at random ('dropout'), which is not supported");

        Vocabulary vocabulary = ReadVocabulary(json);
        BpeOptions options = new()
        {
            UnknownId = json.OptionalText("unk_token") is string unknown
                ? FindToken(json, vocabulary, unknown, "unk_token")
                : null,
            ContinuingPrefix = json.OptionalText("continuing_subword_prefix"),
            WordSuffix = json.OptionalText("end_of_word_suffix"),
            FuseUnknown = json.Flag("fuse_unk", missing: false),
            ByteFallback = json.Flag("byte_fallback", missing: false),
            IgnoreMerges = json.Flag("ignore_merges", missing: false),
        };
        return new BpeModel(vocabulary, ReadMerges(json, vocabulary, options.ContinuingPrefix ?? ""), options);
    }

    private static UnigramModel ReadUnigram(JsonObject json)
    {
        List<KeyValuePair<string, int>> entries = [];
        List<double> scores = [];
        foreach (JsonElement entry in json.Array("vocab"))
        {
            if (entry.ValueKind != JsonValueKind.Array || entry.GetArrayLength() != 2
                || entry[0].ValueKind != JsonValueKind.String || entry[1].ValueKind != JsonValueKind.Number)
                throw json.Invalid($"has the 'vocab' entry {entry.GetRawText()}, which is not a token and its score");
            entries.Add(new(entry[0].GetString()!, entries.Count));
            scores.Add(entry[1].GetDouble());
        }
        int? unknownId = json.Has("unk_id") ? json.Count("unk_id") : null;
        if (entries.Count == 0 || unknownId >= entries.Count)
            throw json.Invalid($"has {entries.Count} tokens in 'vocab', of which 'unk_id' is none");
        return new UnigramModel(
            new Vocabulary(entries), [.. scores], unknownId, json.Flag("byte_fallback", missing: false));
    }

    private static BpeMerges ReadMerges(JsonObject json, Vocabulary vocabulary, string continuingPrefix)
    {
        BpeMerges merges = new();
        foreach (JsonElement merge in json.Array("merges"))
        {
            (string left, string right) = ReadMerge(json, merge);
            int leftId = FindToken(json, vocabulary, left, "merges");
            int rightId = FindToken(json, vocabulary, right, "merges");
            string continued = right.StartsWith(continuingPrefix, StringComparison.Ordinal)
                ? right[continuingPrefix.Length..]
                : right;
            merges.Add(leftId, rightId, FindToken(json, vocabulary, left + continued, "merges"));
        }
        return merges;
    }

    /// <summary>A merge is a pair of tokens, or in older files, a string with a space between them.</summary>
    private static (string Left, string Right) ReadMerge(JsonObject json, JsonElement merge)
    {
        string[] pair = merge.ValueKind switch
        {
            JsonValueKind.String => merge.GetString()!.Split(' '),
            JsonValueKind.Array => [.. merge.EnumerateArray().Select(token => token.GetString() ?? "")],
            _ => [],
        };
        return pair is [string left, string right]
            ? (left, right)
            : throw json.Invalid($"has the merge {merge.GetRawText()}, which is not a pair of tokens");
    }

    private static Vocabulary ReadVocabulary(JsonObject json) => new(json.Properties("vocab")
        .Select(entry => KeyValuePair.Create(entry.Name, json.CountOf(entry.Value, entry.Name))));

    private static int FindToken(JsonObject json, Vocabulary vocabulary, string token, string field) =>
        vocabulary.Find(token) ?? throw json.Invalid($"names the token '{token}' in '{field}', which its 'vocab' lacks");
}
