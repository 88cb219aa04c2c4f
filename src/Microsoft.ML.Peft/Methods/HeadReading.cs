using Microsoft.ML.Peft.Backbones;

namespace Microsoft.ML.Peft.Methods;

/// <summary>What a head reads of each row: the mean over its text, or one position.</summary>
/// <param name="Pooling">Resolved: not <see cref="Peft.Pooling.Auto"/>.</param>
/// <param name="Layout">The head.</param>
internal readonly record struct HeadReading(Pooling Pooling, HeadLayout Layout)
{
    /// <summary>The positions that are read of some rows, each of which begins with virtual tokens.</summary>
    public HeadSpan Of(RowGroup rows, int virtualTokens) => Pooling switch
    {
        Pooling.Mean => new(rows, virtualTokens, rows.Length - virtualTokens),
        Pooling.Cls => new(rows, virtualTokens, 1),
        Pooling.HuggingFace when Layout.ReadsLastToken => new(rows, rows.Length - 1, 1),
        Pooling.HuggingFace => new(rows, 0, 1),                                         // a virtual token where there are any
        _ => throw new ArgumentOutOfRangeException(nameof(Pooling), Pooling, "The pooling must be resolved."),
    };
}

/// <summary>The same part of some rows.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="First">The number of each row's first position that is read.</param>
/// <param name="Count">How many are read.</param>
internal readonly record struct HeadSpan(RowGroup Rows, long First, long Count)
{
    public bool IsWhole => Count == Rows.Length;

    /// <summary>Where they lie, row by row.</summary>
    public IEnumerable<long> Places
    {
        get
        {
            for (long row = 0; row < Rows.Rows; row++)
            {
                for (long i = 0; i < Count; i++)
                    yield return Rows.Start + row * Rows.Length + First + i;
            }
        }
    }
}
