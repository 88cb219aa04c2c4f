using System.Text;

namespace Microsoft.ML.Peft.Tokenization.PreTokenizers;

/// <summary>Splits at white space, which is dropped, and sets every punctuation character apart.</summary>
internal sealed class BertPreTokenizer : IPreTokenizer
{
    public void Split(AlignedText text, List<AlignedText> pieces)
    {
        int start = 0;
        int index = 0;
        foreach (Rune rune in text.Chars.EnumerateRunes())
        {
            int end = index + rune.Utf16SequenceLength;
            bool isSpace = Rune.IsWhiteSpace(rune);
            if (isSpace || Characters.IsPunctuation(rune))
            {
                if (start < index)
                    pieces.Add(text.Slice(start, index - start));
                if (!isSpace)
                    pieces.Add(text.Slice(index, end - index));
                start = end;
            }
            index = end;
        }
        if (start < index)
            pieces.Add(text.Slice(start, index - start));
    }
}
