using System.Text;

namespace Microsoft.ML.Peft.Tokenization.PreTokenizers;

/// <summary>Splits at every character of a class: white space, punctuation, digits.</summary>
internal sealed class RunePreTokenizer(Func<Rune, bool> isDelimiter, SplitBehavior behavior) : IPreTokenizer
{
    public void Split(AlignedText text, List<AlignedText> pieces)
    {
        List<Section> sections = [];
        int previousEnd = 0;
        int index = 0;
        foreach (Rune rune in text.Chars.EnumerateRunes())
        {
            int end = index + rune.Utf16SequenceLength;
            if (isDelimiter(rune))
            {
                if (previousEnd < index)
                    sections.Add(new Section(new TextRange(previousEnd, index), false));
                sections.Add(new Section(new TextRange(index, end), true));
                previousEnd = end;
            }
            index = end;
        }
        if (previousEnd < index)
            sections.Add(new Section(new TextRange(previousEnd, index), false));
        Section.Join(text, sections, behavior, pieces);
    }
}
