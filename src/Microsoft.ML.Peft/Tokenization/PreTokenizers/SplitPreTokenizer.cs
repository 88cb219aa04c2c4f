namespace Microsoft.ML.Peft.Tokenization.PreTokenizers;

/// <summary>Splits at what a pattern matches, or inverted, at what it does not match.</summary>
internal sealed class SplitPreTokenizer(TextPattern pattern, SplitBehavior behavior, bool invert) : IPreTokenizer
{
    public void Split(AlignedText text, List<AlignedText> pieces)
    {
        List<Section> sections = [];
        int previousEnd = 0;
        foreach (TextRange match in pattern.Matches(text.Chars))
        {
            if (previousEnd < match.Start)
                sections.Add(new Section(new TextRange(previousEnd, match.Start), invert));
            sections.Add(new Section(match, !invert));
            previousEnd = match.End;
        }
        if (previousEnd < text.Length)
            sections.Add(new Section(new TextRange(previousEnd, text.Length), invert));
        Section.Join(text, sections, behavior, pieces);
    }
}
