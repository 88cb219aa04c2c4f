using System.Text;

namespace Microsoft.ML.Peft.Tokenization.PreTokenizers;

/// <summary>Keeps the runs of word characters and the runs of other characters that are not white space.</summary>
internal sealed class WhitespacePreTokenizer : IPreTokenizer
{
    private enum Kind
    {
        Space,
        Word,
        Other,
    }

    public void Split(AlignedText text, List<AlignedText> pieces)
    {
        Kind current = Kind.Space;
        int start = 0;
        int index = 0;
        foreach (Rune rune in text.Chars.EnumerateRunes())
        {
            Kind kind = Characters.IsWord(rune) ? Kind.Word : Rune.IsWhiteSpace(rune) ? Kind.Space : Kind.Other;
            if (kind != current)
            {
                if (current != Kind.Space)
                    pieces.Add(text.Slice(start, index - start));
                (current, start) = (kind, index);
            }
            index += rune.Utf16SequenceLength;
        }
        if (current != Kind.Space)
            pieces.Add(text.Slice(start, index - start));
    }
}
