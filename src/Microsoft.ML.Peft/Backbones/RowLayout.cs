using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Some rows of one length, side by side.</summary>
/// <param name="Start">The place of the first row's first position.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Length">The positions of each.</param>
internal readonly record struct RowGroup(long Start, long Rows, long Length)
{
    public long Count => Rows * Length;
}

/// <summary>
/// Where B rows of different lengths lie when they are laid end to end: M positions and no padding. Rows of one length stand
/// together, so that attention, the only part of a transformer that must tell rows apart, takes each such group at once.
/// </summary>
internal sealed class RowLayout
{
    private readonly int[] _lengths;
    private readonly long[] _starts;

    private RowLayout(int[] lengths, int[] order)
    {
        _lengths = lengths;
        Order = order;
        _starts = new long[lengths.Length];
        var groups = new List<RowGroup>();
        foreach (int row in order)
        {
            _starts[row] = Positions;
            if (groups.Count > 0 && groups[^1].Length == lengths[row])
                groups[^1] = groups[^1] with { Rows = groups[^1].Rows + 1 };
            else
                groups.Add(new RowGroup(Positions, 1, lengths[row]));
            Positions += lengths[row];
        }
        Groups = groups;
    }

    /// <summary>B.</summary>
    public int Rows => _lengths.Length;

    /// <summary>M.</summary>
    public long Positions { get; }

    /// <summary>The rows by length, the shortest first.</summary>
    public IReadOnlyList<RowGroup> Groups { get; }

    /// <summary>The rows' numbers in the order in which they lie.</summary>
    public IReadOnlyList<int> Order { get; }

    /// <summary>The layout of rows with these lengths, each at least 1.</summary>
    public static RowLayout Of(IReadOnlyList<int> lengths) =>
        new([.. lengths], [.. Enumerable.Range(0, lengths.Count).OrderBy(row => lengths[row])]);

    /// <summary>The same rows in the same order, each with more positions in front.</summary>
    public RowLayout Widen(int by) => by == 0 ? this : new RowLayout(Array.ConvertAll(_lengths, length => length + by), [.. Order]);

    /// <summary>Each of the rows of <paramref name="values"/> `[M, E]` behind the same `[P, E]`, as <see cref="Widen"/> lays them.</summary>
    public Tensor InFront(Tensor first, Tensor values)
    {
        long size = values.size(1);
        // Expanded before it is converted, so that the rows' gradients are added up in the first part's own number format.
        return cat([.. Groups.Zip(Split(values), (group, part) => cat(
            [first.expand(group.Rows, -1, -1).to(values.dtype), part.view(group.Rows, group.Length, size)], 1).view(-1, size))], 0);
    }

    /// <summary>The groups' parts of values `[M, …]`, whose gradients need not be padded and added up, as those of single parts would be.</summary>
    public Tensor[] Split(Tensor values) => values.split([.. Groups.Select(group => group.Count)], 0);

    public int Length(int row) => _lengths[row];

    /// <summary>The place of a row's first position.</summary>
    public long Start(int row) => _starts[row];

    /// <summary>The place of the position number <paramref name="offset"/> of each row, in the rows' own order.</summary>
    public long[] At(int offset) => Array.ConvertAll(_starts, start => start + offset);

    /// <summary>The place of each row's last position, in the rows' own order.</summary>
    public long[] Last() => [.. _starts.Select((start, row) => start + _lengths[row] - 1)];

    /// <summary>Each place's number within its row, counted from <paramref name="first"/>.</summary>
    public long[] Numbers(long first)
    {
        var numbers = new long[Positions];
        for (int row = 0; row < Rows; row++)
        {
            for (int i = 0; i < _lengths[row]; i++)
                numbers[_starts[row] + i] = first + i;
        }
        return numbers;
    }
}
