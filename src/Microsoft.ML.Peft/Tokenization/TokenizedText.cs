namespace Microsoft.ML.Peft;

/// <summary>A text, or a pair of texts, as the token ids that a backbone takes, special tokens included.</summary>
public sealed class TokenizedText
{
    internal TokenizedText(int[] ids, int[] typeIds, bool truncated)
    {
        Ids = ids;
        TypeIds = typeIds;
        Truncated = truncated;
    }

    /// <summary>The token ids, <c>[T]</c>.</summary>
    public IReadOnlyList<int> Ids { get; }

    /// <summary>For each token the segment that it belongs to, <c>[T]</c>: mostly 0, and 1 for the second text.</summary>
    public IReadOnlyList<int> TypeIds { get; }

    /// <summary>Whether tokens of the text were left out because there were too many.</summary>
    public bool Truncated { get; }
}
