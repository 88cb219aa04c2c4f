using System.Collections.Concurrent;
using System.Text;
using CsCheck;
using Microsoft.ML.Peft.Tokenization;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>Random texts of all of Unicode for tests of properties, and the tokenizers to try them on.</summary>
internal static class RandomTexts
{
    private static readonly ConcurrentDictionary<string, Lazy<HuggingFaceTokenizer>> Loaded = new();

    private static readonly string[] Specials =
    [
        "<s>", "</s>", "<unk>", "<mask>", "<pad>", "[CLS]", "[MASK]", "<|endoftext|>", "<|im_start|>", "<0x0A>", "\u2581", "Ġ", "##a", " ", "  ", "\n", "\r\n", "\t",
        "\u00A0", "\u200B", "\u200D", "\uFEFF", "\uFFFD", "\uFFFF", "\0", "e\u0301", "\u1100\u1161\u11A8", "ﬁ", "İ", "ß", "’s", "👩‍🚀", "🇩🇪", "مرحبا", "你好", "ไทย", "123", "3.14",
    ];

    private static readonly Gen<string> Special = Gen.Int[0, Specials.Length - 1].Select(index => Specials[index]);

    private static readonly Gen<string> Word = Gen.Char['a', 'z'].Array[1, 8].Select(letters => new string(letters));

    private static readonly Gen<string> Scalar = Gen.Frequency(
        (3, Gen.Int[0x20, 0x24F]), (2, Gen.Int[0x250, 0xD7FF]), (1, Gen.Int[0xE000, 0xFFFF]), (2, Gen.Int[0x1F300, 0x1FAFF]), (1, Gen.Int[0x10000, 0x10FFFF]))
        .Select(value => new Rune(value).ToString());

    /// <summary>Texts of whole characters.</summary>
    public static Gen<string> WellFormed { get; } = Gen.OneOf(Special, Word, Scalar).Array[0, 12].Select(string.Concat);

    /// <summary>Texts of any UTF-16 code units, halves of surrogate pairs among them.</summary>
    public static Gen<string> Any { get; } = Gen.OneOf(WellFormed, Gen.Char.Select(unit => unit.ToString()), Gen.Char['\uD800', '\uDFFF'].Select(unit => unit.ToString()))
        .Array[0, 8].Select(string.Concat);

    /// <summary>One of the tokenizers that reference results exist of.</summary>
    public static HuggingFaceTokenizer Tokenizer(string name) => Loaded.GetOrAdd(
        name, _ => new Lazy<HuggingFaceTokenizer>(() => HuggingFaceTokenizer.Load(Path.Combine(Fixtures.Default, "tokenizers", name, "tokenizer.json")))).Value;
}
