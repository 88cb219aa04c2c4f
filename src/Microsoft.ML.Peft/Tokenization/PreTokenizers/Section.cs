namespace Microsoft.ML.Peft.Tokenization.PreTokenizers;

/// <summary>A range of a text that is a delimiter or lies between two. Sections follow on one another without gaps.</summary>
internal readonly record struct Section(TextRange Range, bool IsDelimiter)
{
    /// <summary>Adds the pieces that remain of a text cut into these sections.</summary>
    public static void Join(AlignedText text, List<Section> sections, SplitBehavior behavior, List<AlignedText> pieces)
    {
        if (behavior == SplitBehavior.MergedWithNext)
        {
            JoinWithNext(text, sections, pieces);
            return;
        }
        TextRange pending = default;
        bool previous = false;
        foreach ((TextRange range, bool isDelimiter) in sections)
        {
            bool joins = behavior switch
            {
                SplitBehavior.MergedWithPrevious => isDelimiter && !previous,
                SplitBehavior.Contiguous => isDelimiter == previous,
                _ => false,
            };
            previous = isDelimiter;
            if (!joins)
                Flush(text, pending, pieces);
            pending = joins ? new TextRange(pending.Start, range.End)
                : isDelimiter && behavior == SplitBehavior.Removed ? default : range;
        }
        Flush(text, pending, pieces);
    }

    private static void JoinWithNext(AlignedText text, List<Section> sections, List<AlignedText> pieces)
    {
        for (int i = 0; i < sections.Count; i++)
        {
            TextRange range = sections[i].Range;
            // A delimiter joins what follows unless that is a delimiter as well, which then stands for itself.
            if (sections[i].IsDelimiter && i + 1 < sections.Count && !sections[i + 1].IsDelimiter)
                range = new TextRange(range.Start, sections[++i].Range.End);
            Flush(text, range, pieces);
        }
    }

    private static void Flush(AlignedText text, TextRange range, List<AlignedText> pieces)
    {
        if (range.End > range.Start)
            pieces.Add(text.Slice(range));
    }
}
