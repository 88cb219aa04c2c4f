using System.Runtime.InteropServices;

namespace Microsoft.ML.Peft.Tokenization.Models;

/// <summary>The ranked merges of a BPE model: the lowest rank first, the leftmost among equals.</summary>
internal sealed class BpeMerges
{
    private const int Removed = -1;

    private readonly Dictionary<long, Merge> _merges = [];
    private int _rank;

    /// <summary>Adds the next merge; merges are added in the order of their ranks.</summary>
    public void Add(int left, int right, int merged) => _merges[Key(left, right)] = new Merge(_rank++, merged);

    /// <summary>Merges neighbours until none can be merged, in O(n log n).</summary>
    public PieceToken[] Apply(List<PieceToken> symbols)
    {
        if (symbols.Count < 2)
            return [.. symbols];
        Span<PieceToken> tokens = CollectionsMarshal.AsSpan(symbols);
        int count = tokens.Length;
        int[] previous = new int[count];
        int[] next = new int[count];
        PriorityQueue<Candidate, long> queue = new(count);
        for (int i = 0; i < count; i++)
        {
            previous[i] = i - 1;
            next[i] = i + 1;
        }
        for (int i = 0; i + 1 < count; i++)
            Enqueue(queue, tokens, i, i + 1);

        while (queue.TryDequeue(out Candidate candidate, out _))
        {
            (int left, int leftId, int rightId, int merged) = candidate;
            // A candidate is out of date when one of its two symbols has been merged since.
            if (next[left] >= count || next[left] < 0 || tokens[left].Id != leftId || tokens[next[left]].Id != rightId)
                continue;
            int right = next[left];
            tokens[left] = new PieceToken(merged, new TextRange(tokens[left].Range.Start, tokens[right].Range.End));
            next[left] = next[right];
            next[right] = Removed;
            if (next[left] < count)
            {
                previous[next[left]] = left;
                Enqueue(queue, tokens, left, next[left]);
            }
            if (previous[left] >= 0)
                Enqueue(queue, tokens, previous[left], left);
        }
        return Remaining(tokens, next);
    }

    private static PieceToken[] Remaining(ReadOnlySpan<PieceToken> tokens, int[] next)
    {
        List<PieceToken> remaining = [];
        for (int i = 0; i < tokens.Length; i = next[i])
            remaining.Add(tokens[i]);
        return [.. remaining];
    }

    private void Enqueue(PriorityQueue<Candidate, long> queue, ReadOnlySpan<PieceToken> tokens, int left, int right)
    {
        (int leftId, int rightId) = (tokens[left].Id, tokens[right].Id);
        if (_merges.TryGetValue(Key(leftId, rightId), out Merge merge))
            queue.Enqueue(new Candidate(left, leftId, rightId, merge.Id), Key(merge.Rank, left));
    }

    private static long Key(int high, int low) => ((long)high << 32) | (uint)low;

    private readonly record struct Merge(int Rank, int Id);

    private readonly record struct Candidate(int Left, int LeftId, int RightId, int Merged);
}
