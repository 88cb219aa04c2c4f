namespace Microsoft.ML.Peft.Tokenization;

/// <summary>What happens to the tokens of one or two texts: templates with special tokens, and trimmed offsets.</summary>
internal sealed class PostProcessor
{
    /// <summary>The template for one text; by default the text alone.</summary>
    public IReadOnlyList<TemplatePiece> Single { get; init; } = [TemplatePiece.Text(0, 0)];

    /// <summary>The template for two texts; by default one behind the other.</summary>
    public IReadOnlyList<TemplatePiece> Pair { get; init; } = [TemplatePiece.Text(0, 0), TemplatePiece.Text(1, 1)];

    /// <summary>The passes that trim white space off offsets; true where a first space counts as an added prefix.</summary>
    public IReadOnlyList<bool> Trims { get; init; } = [];

    public void TrimOffsets(List<SourceToken> tokens)
    {
        foreach (bool addsPrefixSpace in Trims)
        {
            for (int i = 0; i < tokens.Count; i++)
                tokens[i] = Trim(tokens[i], addsPrefixSpace, isFirst: i == 0);
        }
    }

    private static SourceToken Trim(SourceToken token, bool addsPrefixSpace, bool isFirst)
    {
        (int start, int end) = (token.Source.Start, token.Source.End);
        int leading = token.Value.TakeWhile(IsSpace).Count();
        int trailing = token.Value.Reverse().TakeWhile(IsSpace).Count();
        // A single space at the very start may be the one that was put there, which has no place in the text.
        if (leading == 1 && addsPrefixSpace && (isFirst || start == 0))
            leading = 0;
        start = Math.Min(start + leading, end);
        if (end >= trailing)
            end = Math.Max(end - trailing, start);
        return token with { Source = new TextRange(start, end) };
    }

    private static bool IsSpace(char unit) => unit == ByteAlphabet.Space || char.IsWhiteSpace(unit);

    /// <summary>
    /// Puts the texts into the template. The longest text is cut first, so that no more than
    /// <paramref name="maxTokens"/> remain.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The special tokens alone are more than that.</exception>
    public TokenizedText Apply(ReadOnlySpan<int> first, ReadOnlySpan<int> second, bool isPair, int maxTokens)
    {
        IReadOnlyList<TemplatePiece> template = isPair ? Pair : Single;
        int specials = template.Sum(piece => piece.SpecialIds.Count);
        if (maxTokens < specials)
            throw new ArgumentOutOfRangeException(nameof(maxTokens), maxTokens,
                $"There is no room for the {specials} special tokens of the template; allow at least that many tokens.");

        (int firstLength, int secondLength) = Lengths(first.Length, second.Length, maxTokens - specials);
        List<int> ids = new(firstLength + secondLength + specials);
        List<int> typeIds = new(ids.Capacity);
        foreach (TemplatePiece piece in template)
        {
            if (piece.Sequence == 0)
                ids.AddRange(first[..firstLength]);
            else if (piece.Sequence == 1)
                ids.AddRange(second[..secondLength]);
            else
                ids.AddRange(piece.SpecialIds);
            typeIds.AddRange(Enumerable.Repeat(piece.TypeId, ids.Count - typeIds.Count));
        }
        return new TokenizedText([.. ids], [.. typeIds], firstLength < first.Length || secondLength < second.Length);
    }

    /// <summary>The lengths after truncation: the shorter text is cut only when both exceed half of the room.</summary>
    private static (int First, int Second) Lengths(int first, int second, int room)
    {
        if (first + second <= room)
            return (first, second);
        int half = room / 2;
        if (first <= second)
            return first <= half ? (first, room - first) : (half, room - half);
        return second <= half ? (room - second, second) : (room - half, half);
    }
}
