using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>Reads the <c>normalizer</c> of a tokenizer file.</summary>
internal static class NormalizerReader
{
    public static INormalizer Read(JsonObject? json) => json is null ? new SequenceNormalizer([]) : json.Type switch
    {
        "Sequence" => new SequenceNormalizer([.. json.Objects("normalizers").Select(Read)]),
        "BertNormalizer" => ReadBert(json),
        "Lowercase" => new LowercaseNormalizer(),
        "NFC" => new UnicodeNormalizer(NormalizationForm.FormC),
        "NFD" => new UnicodeNormalizer(NormalizationForm.FormD),
        "NFKC" => new UnicodeNormalizer(NormalizationForm.FormKC),
        "NFKD" => new UnicodeNormalizer(NormalizationForm.FormKD),
        "StripAccents" => new StripAccentsNormalizer(),
        "Strip" => new StripNormalizer(json.Flag("strip_left", missing: true), json.Flag("strip_right", missing: true)),
        "Replace" => new ReplaceNormalizer(PatternReader.Read(json), json.Text("content")),
        "Precompiled" => PrecompiledNormalizer.Read(json),
        "Prepend" => new PrependNormalizer(json.Text("prepend")),
        _ => throw json.UnsupportedType(),
    };

    private static BertNormalizer ReadBert(JsonObject json)
    {
        bool lowercase = json.Flag("lowercase", missing: true);
        return new BertNormalizer(
            json.Flag("clean_text", missing: true),
            json.Flag("handle_chinese_chars", missing: true),
            json.Flag("strip_accents", missing: lowercase),
            lowercase);
    }
}
