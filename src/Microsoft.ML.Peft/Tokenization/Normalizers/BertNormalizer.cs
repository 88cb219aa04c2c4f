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
            if (cleanText && Rune.IsWhiteSpace(rune))
                Keep(builder, new Rune(' '), source, cleanedWhiteSpace: true);
            else if (!cleanText || !IsDropped(rune))
                Keep(builder, rune, source, cleanedWhiteSpace: false);
        }
        return builder.Build();
    }

    private void Keep(AlignedTextBuilder builder, Rune rune, TextRange source, bool cleanedWhiteSpace)
    {
        bool setApart = handleChinese && !cleanedWhiteSpace && Characters.IsChinese(rune);
        if (setApart)
            builder.Append(' ', source);
        builder.Append(rune, source);
        if (setApart)
            builder.Append(' ', source);
    }

    private static bool IsDropped(Rune rune) =>
        rune.Value is 0 or 0xFFFD || (Characters.IsOther(rune) && rune.Value is not ('\t' or '\n' or '\r'));

    private static AlignedText StripAccents(AlignedText text)
    {
        if (Ascii.IsValid(text.Chars))
            return text;
        return RuneFilter.Where(text, rune => Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark);
    }
}
