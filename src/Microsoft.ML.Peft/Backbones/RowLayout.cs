using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Some rows of one length behind one soft prompt, side by side.</summary>
/// <param name="Start">The place of the first row's first position.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Length">The positions of each.</param>
/// <param name="Prompt">The number of their soft prompt.</param>
internal readonly record struct RowGroup(long Start, long Rows, long Length, int Prompt = 0)
{
    public long Count => Rows * Length;
}

/// <summary>
/// Where B rows of different lengths lie when they are laid end to end: M positions and no padding. Rows of one soft prompt and one
/// length stand together, so that attention, the only part of a transformer that must tell rows apart, takes each such group at once.
/// </summary>
internal sealed class RowLayout
{
    private readonly int[] _lengths;
    private readonly int[]? _prompts;
    private readonly long[] _starts;

    private RowLayout(int[] lengths, int[]? prompts, int[] order)
    {
        _lengths = lengths;
        _prompts = prompts;
        Order = order;
        _starts = new long[lengths.Length];
        var groups = new List<RowGroup>();
        foreach (int row in order)
        {
            _starts[row] = Positions;
            if (groups.Count > 0 && groups[^1].Length == lengths[row] && groups[^1].Prompt == Prompt(row))
                groups[^1] = groups[^1] with { Rows = groups[^1].Rows + 1 };
            else
                groups.Add(new RowGroup(Positions, 1, lengths[row], Prompt(row)));
            Positions += lengths[row];
        }
        Groups = groups;
    }

    /// <summary>B.</summary>
    public int Rows => _lengths.Length;

    /// <summary>M.</summary>
    public long Positions { get; }

    /// <summary>The rows by soft prompt and length, the shortest first.</summary>
    public IReadOnlyList<RowGroup> Groups { get; }

    /// <summary>The rows' numbers in the order in which they lie.</summary>
    public IReadOnlyList<int> Order { get; }

    /// <summary>The layout of rows.</summary>
    /// <param name="lengths">Their lengths, each at least 1.</param>
    /// <param name="prompts">The numbers of their soft prompts; null where all have the same, number 0.</param>
    public static RowLayout Of(IReadOnlyList<int> lengths, IReadOnlyList<int>? prompts = null) => new(
        [.. lengths], prompts is null ? null : [.. prompts],
        [.. Enumerable.Range(0, lengths.Count).OrderBy(row => prompts?[row] ?? 0).ThenBy(row => lengths[row])]);

    /// <summary>The same rows in the same order, each with more positions in front: by the number of its soft prompt how many.</summary>
    public RowLayout Widen(Func<int, int> by) => Groups.All(group => by(group.Prompt) == 0)
        ? this
        : new RowLayout([.. _lengths.Select((length, row) => length + by(Prompt(row)))], _prompts, [.. Order]);

    /// <summary>Each of the rows of <paramref name="values"/> `[M, E]` behind the `[P, E]` of its soft prompt's number, or null for nothing, as <see cref="Widen"/> lays them.</summary>
    public Tensor InFront(Func<int, Tensor?> first, Tensor values)
    {
        long size = values.size(1);
        Tensor Group(RowGroup group, Tensor own) =>
            // Expanded before it is converted, so that the rows' gradients are added up in the first part's own number format.
            first(group.Prompt) is { } before
                ? cat([before.expand(group.Rows, -1, -1).to(values.dtype), own.view(group.Rows, group.Length, size)], 1).view(-1, size)
                : own;
        return cat([.. Groups.Zip(Split(values), Group)], 0);
    }

    /// <summary>The groups' parts of values `[M, …]`, whose gradients need not be padded and added up, as those of single parts would be.</summary>
    public Tensor[] Split(Tensor values) => values.split([.. Groups.Select(group => group.Count)], 0);

    public int Length(int row) => _lengths[row];

    /// <summary>The number of a row's soft prompt.</summary>
    public int Prompt(int row) => _prompts is null ? 0 : _prompts[row];

    /// <summary>The place of a row's first position.</summary>
    public long Start(int row) => _starts[row];

    /// <summary>The place of each row's last position, in the rows' own order.</summary>
    public long[] Last() => [.. _starts.Select((start, row) => start + _lengths[row] - 1)];

    /// <summary>Each place's number within its row, counted from what <paramref name="first"/> says for the number of its soft prompt.</summary>
    public long[] Numbers(Func<int, long> first)
    {
        var numbers = new long[Positions];
        for (int row = 0; row < Rows; row++)
        {
            long number = first(Prompt(row));
            for (int i = 0; i < _lengths[row]; i++)
                numbers[_starts[row] + i] = number + i;
        }
        return numbers;
    }
}
