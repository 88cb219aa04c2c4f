using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>Drops characters of a text.</summary>
internal static class RuneFilter
{
    public static AlignedText Where(AlignedText text, Func<Rune, bool> keep)
    {
        AlignedTextBuilder builder = new(text.Length);
        int index = 0;
        foreach (Rune rune in text.Chars.EnumerateRunes())
        {
            if (keep(rune))
                builder.Append(rune, text.Sources[index]);
            index += rune.Utf16SequenceLength;
        }
        return builder.Build();
    }
}
