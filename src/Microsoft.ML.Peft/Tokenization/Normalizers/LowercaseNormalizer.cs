using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>Lower case by Unicode's full mapping without context (a final sigma is not special).</summary>
internal sealed class LowercaseNormalizer : INormalizer
{
    private const int CapitalIWithDot = 0x130;

    public AlignedText Normalize(AlignedText text)
    {
        AlignedTextBuilder builder = new(text.Length);
        int index = 0;
        foreach (Rune rune in text.Chars.EnumerateRunes())
        {
            TextRange source = text.Sources[index];
            index += rune.Utf16SequenceLength;
            // The one character whose lower case is two; .NET's invariant mapping leaves it as it is.
            if (rune.Value == CapitalIWithDot)
                builder.Append("i\u0307", source);
            else
                builder.Append(Rune.ToLowerInvariant(rune), source);
        }
        return builder.Build();
    }
}
