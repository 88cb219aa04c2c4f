using System.Globalization;
using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>BERT's cleaning: control characters, white space, ideographs set apart, accents and case.</summary>
internal sealed class BertNormalizer(bool cleanText, bool handleChinese, bool stripAccents, bool lowercase) : INormalizer
{
    private readonly UnicodeNormalizer _decompose = new(NormalizationForm.FormD);
    private readonly LowercaseNormalizer _lowercase = new();

    public AlignedText Normalize(AlignedText text)
    {
        if (cleanText || handleChinese)
            text = Clean(text);
        if (stripAccents)
            text = StripAccents(_decompose.Normalize(text));
        return lowercase ? _lowercase.Normalize(text) : text;
    }

    private AlignedText Clean(AlignedText text)
    {
        AlignedTextBuilder builder = new(text.Length);
        int index = 0;
        foreach (Rune rune in text.Chars.EnumerateRunes())
        {
            TextRange source = text.Sources[index];
            index += rune.Utf16SequenceLength;
            if (cleanText && IsDropped(rune))
                continue;
            if (cleanText && Rune.IsWhiteSpace(rune))
                builder.Append(' ', source);
            else if (handleChinese && Characters.IsChinese(rune))
                AppendApart(builder, rune, source);
            else
                builder.Append(rune, source);
        }
        return builder.Build();
    }

    private static void AppendApart(AlignedTextBuilder builder, Rune rune, TextRange source)
    {
        builder.Append(' ', source);
        builder.Append(rune, source);
        builder.Append(' ', source);
    }

    // White space that is a control character as well, such as a form feed, is dropped, but for these three.
    private static bool IsDropped(Rune rune) =>
        rune.Value is 0 or 0xFFFD || (Characters.IsOther(rune) && rune.Value is not ('\t' or '\n' or '\r'));

    private static AlignedText StripAccents(AlignedText text)
    {
        if (Ascii.IsValid(text.Chars))
            return text;
        return RuneFilter.Where(text, rune => Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark);
    }
}
