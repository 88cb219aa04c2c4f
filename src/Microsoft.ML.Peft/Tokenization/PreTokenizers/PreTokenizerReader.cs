using System.Text;

namespace Microsoft.ML.Peft.Tokenization.PreTokenizers;

/// <summary>Reads the <c>pre_tokenizer</c> of a tokenizer file.</summary>
internal static class PreTokenizerReader
{
    public static IPreTokenizer Read(JsonObject? json) => json is null ? new SequencePreTokenizer([]) : json.Type switch
    {
        "Sequence" => new SequencePreTokenizer([.. json.Objects("pretokenizers").Select(Read)]),
        "BertPreTokenizer" => new BertPreTokenizer(),
        "ByteLevel" => new ByteLevelPreTokenizer(
            json.Flag("add_prefix_space", missing: true), json.Flag("use_regex", missing: true)),
        "Split" => new SplitPreTokenizer(
            PatternReader.Read(json), ReadBehavior(json), json.Flag("invert", missing: false)),
        "Digits" => new RunePreTokenizer(
            Rune.IsNumber,
            json.Flag("individual_digits", missing: false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
        "Punctuation" => new RunePreTokenizer(
            Characters.IsPunctuation, json.Has("behavior") ? ReadBehavior(json) : SplitBehavior.Isolated),
        "Whitespace" => new WhitespacePreTokenizer(),
        "Metaspace" => new MetaspacePreTokenizer(MetaspaceOptions.Read(json)),
        "WhitespaceSplit" => new RunePreTokenizer(Rune.IsWhiteSpace, SplitBehavior.Removed),
        _ => throw json.UnsupportedType(),
    };

    private static SplitBehavior ReadBehavior(JsonObject json) =>
        Enum.TryParse(json.Text("behavior"), out SplitBehavior behavior)
            ? behavior
            : throw json.Unsupported($"has the behavior '{json.Text("behavior")}', which is not supported");
}
