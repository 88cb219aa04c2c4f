using System.Text;
using Microsoft.ML.Peft.Tokenization;
using Microsoft.ML.Peft.Tokenization.Normalizers;
using Microsoft.ML.Peft.Tokenization.PreTokenizers;

namespace Microsoft.ML.Peft.Tests;

public class ComponentTests
{
    [Theory]
    [InlineData("Removed", "the|final|countdown")]
    [InlineData("Isolated", "the|-|final|-|-|countdown")]
    [InlineData("MergedWithPrevious", "the-|final-|-|countdown")]
    [InlineData("MergedWithNext", "the|-final|-|-countdown")]
    [InlineData("Contiguous", "the|-|final|--|countdown")]
    public void Delimiters_are_treated_as_asked(string behavior, string expected)
    {
        SplitPreTokenizer splitter = new(TextPattern.FromLiteral("-"), Enum.Parse<SplitBehavior>(behavior), invert: false);
        Assert.Equal(expected, Split(splitter, "the-final--countdown"));
    }

    [Fact]
    public void An_inverted_pattern_matches_what_lies_between() => Assert.Equal(
        "the|final|countdown",
        Split(new SplitPreTokenizer(TextPattern.FromRegex("[a-z]+"), SplitBehavior.Removed, invert: true), "the-final--countdown"));

    [Fact]
    public void White_space_separates_words_from_other_characters() =>
        Assert.Equal("Hi|,|wörld_1|!?|😀", Split(new WhitespacePreTokenizer(), " Hi, wörld_1 !?  😀"));

    [Theory]
    [InlineData(@"\p{L}+", "a𝒜b|1𝟘😀")]
    [InlineData(@"\p{N}", "a𝒜b|1|𝟘|😀")]
    [InlineData(@"[^\p{L}\p{N}]+", "a𝒜b1𝟘|😀")]
    [InlineData(@".", "a|𝒜|b|1|𝟘|😀")]
    public void Characters_beyond_the_basic_plane_have_their_class(string pattern, string expected) => Assert.Equal(
        expected, Split(new SplitPreTokenizer(TextPattern.FromRegex(pattern), SplitBehavior.Isolated, false), "a𝒜b1𝟘😀"));

    [Theory]
    [InlineData(@"a?+b", @"(?>a?)b")]
    [InlineData(@"(?:ab)++c", @"(?>(?:ab)+)c")]
    [InlineData(@"[^\r\n\p{L}]?+\p{L}*+", @"(?>[^\r\n\p{L}]?)(?>\p{L}*)")]
    [InlineData(@"\p{N}{1,3}+", @"(?:\p{N}{1,3})+")]
    [InlineData(@"a+?b??", @"a+?b??")]
    [InlineData(@"(?<sum>a)", @"(?<sum>a)")]
    [InlineData(@"^a$", @"(?m:^)a(?m:$)")]
    [InlineData(@"(?i:'s|'t)| ?\p{L}+|\s+(?!\S)|(?<=x)y", @"(?i:'s|'t)| ?\p{L}+|\s+(?!\S)|(?<=x)y")]
    public void Regular_expressions_are_rewritten_for_dotnet(string expression, string expected) =>
        Assert.Equal(expected, OnigurumaSyntax.Translate(expression));

    [Theory]
    [InlineData(@"[[:alpha:]]")]
    [InlineData(@"[a&&b]")]
    [InlineData(@"[a")]
    [InlineData(@"\p{L")]
    [InlineData(@"a\")]
    [InlineData(@"(a")]
    [InlineData(@"\p{Han}")]
    [InlineData(@"(?m:.)")]
    [InlineData(@"\h")]
    [InlineData("[😀]")]
    public void Syntax_without_a_counterpart_is_refused(string expression) =>
        Assert.Throws<NotSupportedException>(() => TextPattern.FromRegex(expression));

    [Theory]
    [InlineData(NormalizationForm.FormC)]
    [InlineData(NormalizationForm.FormD)]
    [InlineData(NormalizationForm.FormKC)]
    [InlineData(NormalizationForm.FormKD)]
    public void Unicode_normalization_is_the_runtimes(NormalizationForm form)
    {
        const string Text = "Å\u212b A\u030a s\u0307\u0323 \u1e69 ﬁ ﷺ \uff76\uff9e 한\u1112\u1161\u11ab \u09c7\u09be \ud834\udd5e x\u0327\u0301\u0327";
        AlignedText normalized = new UnicodeNormalizer(form).Normalize(AlignedText.From(Text));
        Assert.Equal(Text.Normalize(form), normalized.Chars);
        for (int i = 0; i < normalized.Length; i++)
            Assert.InRange(normalized.Sources[i].End, normalized.Sources[i].Start + 1, Text.Length);
    }

    [Fact]
    public void The_noncharacter_that_the_runtime_refuses_stays() => Assert.Equal(
        "é\ufffe\u0323\u0307é",
        new UnicodeNormalizer(NormalizationForm.FormC).Normalize(AlignedText.From("e\u0301\ufffe\u0307\u0323é")).Chars);

    [Theory]
    [InlineData("ΟΣ", "οσ")]
    [InlineData("İI", "i̇i")]
    [InlineData("ẞΩKÅ𐐀", "ßωkå𐐨")]
    public void Lower_case_does_not_depend_on_context(string text, string expected) =>
        Assert.Equal(expected, new LowercaseNormalizer().Normalize(AlignedText.From(text)).Chars);

    [Fact]
    public void Bert_drops_control_characters_and_sets_ideographs_apart()
    {
        BertNormalizer normalizer = new(cleanText: true, handleChinese: true, stripAccents: true, lowercase: true);
        AlignedText normalized = normalizer.Normalize(AlignedText.From("A\fB\u0085C\u200d\tÉ\u3000中d"));
        Assert.Equal("abc e  中 d", normalized.Chars);
        Assert.Equal(new TextRange(2, 3), normalized.Sources[1]);
        Assert.Equal(new TextRange(9, 10), normalized.Sources[8]);
    }

    [Fact]
    public void Stripping_white_space_alone_leaves_nothing() =>
        Assert.True(new StripNormalizer(left: true, right: true).Normalize(AlignedText.From(" \t ")).IsEmpty);

    private static string Split(IPreTokenizer splitter, string text)
    {
        List<AlignedText> pieces = [];
        splitter.Split(AlignedText.From(text), pieces);
        return string.Join('|', pieces.Select(piece => piece.Chars.ToString()));
    }
}
