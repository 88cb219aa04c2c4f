using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Peft.Tokenization;

/// <summary>A literal or a regular expression that is looked for in texts.</summary>
internal sealed class TextPattern
{
    private readonly string? _literal;
    private readonly Regex? _regex;

    private TextPattern(string? literal, Regex? regex)
    {
        _literal = literal;
        _regex = regex;
    }

    public static TextPattern FromLiteral(string literal) => new(literal, null);

    /// <exception cref="NotSupportedException">The expression uses syntax that has no counterpart in .NET.</exception>
    public static TextPattern FromRegex(string expression)
    {
        string translated = OnigurumaSyntax.Translate(expression);
        try
        {
            return new(null, new Regex(translated, RegexOptions.CultureInvariant | RegexOptions.Compiled));
        }
        catch (RegexParseException e)
        {
            throw new NotSupportedException($"the regular expression '{expression}' is not supported: {e.Message}", e);
        }
    }

    /// <summary>The matches from left to right; they do not overlap.</summary>
    public List<TextRange> Matches(ReadOnlySpan<char> text)
    {
        List<TextRange> matches = [];
        if (_regex is null)
            AddLiteralMatches(text, _literal!, matches);
        else if (!text.ContainsAnyInRange('\uD800', '\uDFFF'))
            AddMatches(_regex, text, matches);
        else
            AddAstralMatches(_regex, text, matches);
        return matches;
    }

    private static void AddLiteralMatches(ReadOnlySpan<char> text, string literal, List<TextRange> matches)
    {
        if (literal.Length == 0)
            return;
        int start = 0;
        for (int found; (found = text[start..].IndexOf(literal)) >= 0; start += found + literal.Length)
            matches.Add(new TextRange(start + found, start + found + literal.Length));
    }

    private static void AddMatches(Regex regex, ReadOnlySpan<char> text, List<TextRange> matches)
    {
        foreach (ValueMatch match in regex.EnumerateMatches(text))
            matches.Add(new TextRange(match.Index, match.Index + match.Length));
    }

    /// <summary>
    /// .NET matches UTF-16 code units, to which a surrogate pair is two characters of no class. Therefore the match runs
    /// over a copy in which each pair is one stand-in of the same category, and is mapped back.
    /// </summary>
    private static void AddAstralMatches(Regex regex, ReadOnlySpan<char> text, List<TextRange> matches)
    {
        char[] units = new char[text.Length];
        int[] starts = new int[text.Length + 1];
        int count = 0;
        int index = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            starts[count] = index;
            units[count++] = rune.IsBmp ? (char)rune.Value : StandIn(Rune.GetUnicodeCategory(rune));
            index += rune.Utf16SequenceLength;
        }
        starts[count] = index;
        foreach (ValueMatch match in regex.EnumerateMatches(units.AsSpan(0, count)))
            matches.Add(new TextRange(starts[match.Index], starts[match.Index + match.Length]));
    }

    /// <summary>A rare character of the category, so that no pattern is likely to name it.</summary>
    private static char StandIn(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\uA640',
        UnicodeCategory.LowercaseLetter => '\uA641',
        UnicodeCategory.TitlecaseLetter => '\u1F88',
        UnicodeCategory.ModifierLetter => '\uA67F',
        UnicodeCategory.OtherLetter => '\uA8F2',
        UnicodeCategory.NonSpacingMark => '\uA8E0',
        UnicodeCategory.SpacingCombiningMark => '\uA880',
        UnicodeCategory.EnclosingMark => '\uA670',
        UnicodeCategory.DecimalDigitNumber => '\uA8D0',
        UnicodeCategory.LetterNumber => '\uA6E6',
        UnicodeCategory.OtherNumber => '\uA830',
        UnicodeCategory.ConnectorPunctuation => '\uFE4D',
        UnicodeCategory.DashPunctuation => '\uFE58',
        UnicodeCategory.OpenPunctuation => '\uFE35',
        UnicodeCategory.ClosePunctuation => '\uFE36',
        UnicodeCategory.InitialQuotePunctuation => '\u2E02',
        UnicodeCategory.FinalQuotePunctuation => '\u2E03',
        UnicodeCategory.OtherPunctuation => '\uA8CE',
        UnicodeCategory.MathSymbol => '\uFB29',
        UnicodeCategory.CurrencySymbol => '\uA838',
        UnicodeCategory.ModifierSymbol => '\uA700',
        UnicodeCategory.OtherSymbol => '\uA828',
        UnicodeCategory.Format => '\u206A',
        UnicodeCategory.PrivateUse => '\uE000',
        _ => '\uFDD0',
    };
}
