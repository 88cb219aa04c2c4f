using System.Text;
using Microsoft.ML.Peft.Tokenization.Normalizers;
using Microsoft.ML.Peft.Tokenization.PreTokenizers;

namespace Microsoft.ML.Peft.Tokenization;

/// <summary>How byte-level BPE models split texts: GGUF files only name the way, in <c>tokenizer.ggml.pre</c>.</summary>
/// <param name="Normalizer">What is done to the text first.</param>
/// <param name="Splits">The steps before the one that turns pieces into the byte alphabet.</param>
/// <param name="SplitsWords">Whether that step splits into GPT-2's words as well.</param>
/// <param name="IgnoresMerges">Whether a piece that is a token as a whole is not merged from its characters.</param>
/// <param name="AddsBos">Whether the beginning-of-text token is added where the file does not say.</param>
internal sealed record GgufPreTokenizer(
    INormalizer Normalizer, IReadOnlyList<IPreTokenizer> Splits, bool SplitsWords, bool IgnoresMerges, bool AddsBos)
{
    /// <summary>The known names, for messages.</summary>
    public const string Names = "gpt-2, phi-2, smollm, starcoder, refact, llama-bpe, llama3, llama-v3, qwen2, olmo";

    private const string Llama3Words =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Qwen2Words =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly INormalizer None = new SequenceNormalizer([]);
    private static readonly INormalizer Composed = new UnicodeNormalizer(NormalizationForm.FormC);

    /// <summary>The way with the given name; null when it is unknown.</summary>
    public static GgufPreTokenizer? Named(string name) => name switch
    {
        "gpt-2" or "phi-2" => new(None, [], SplitsWords: true, IgnoresMerges: false, AddsBos: false),
        // The tokenizer of GPT-NeoX and Pythia, which OLMo took over.
        "olmo" => new(Composed, [], SplitsWords: true, IgnoresMerges: false, AddsBos: false),
        "smollm" or "starcoder" or "refact" =>
            new(None, [new RunePreTokenizer(Rune.IsNumber, SplitBehavior.Isolated)], SplitsWords: true, IgnoresMerges: false, AddsBos: false),
        "llama-bpe" or "llama3" or "llama-v3" => new(None, [Words(Llama3Words)], SplitsWords: false, IgnoresMerges: true, AddsBos: true),
        "qwen2" => new(Composed, [Words(Qwen2Words)], SplitsWords: false, IgnoresMerges: false, AddsBos: false),
        _ => null,
    };

    private static SplitPreTokenizer Words(string expression) =>
        new(TextPattern.FromRegex(expression), SplitBehavior.Isolated, invert: false);
}
