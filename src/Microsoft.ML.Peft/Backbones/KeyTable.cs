using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// What queries need to know of the keys before them, K in all: their positions and which of them are padding. Virtual tokens come
/// first; padding takes no position, so that a row padded on either side computes what it computes alone.
/// </summary>
/// <param name="Positions">`[K]`, or `[B, K]` where rows differ.</param>
/// <param name="Seen">1 for tokens and 0 for padding `[B, K]`; null if nothing is padded.</param>
internal sealed record KeyTable(Tensor Positions, Tensor? Seen)
{
    public long Count => Positions.size(-1);

    /// <summary>The keys of a batch behind P virtual tokens.</summary>
    public static KeyTable Start(TokenBatch batch, int virtualTokens, Device device)
    {
        if (batch.Mask is not { } mask)
            return new KeyTable(arange(virtualTokens + batch.Length, dtype: ScalarType.Int64, device: device), null);
        var text = (mask.cumsum(1) - 1).clamp(min: 0) + virtualTokens;                      // [B, T]
        var first = arange(virtualTokens, dtype: ScalarType.Int64, device: device).expand(batch.Rows, -1);
        return new KeyTable(cat([first, text], 1), cat([ones(batch.Rows, virtualTokens, ScalarType.Int64, device), mask], 1));
    }

    /// <summary>One more token per row.</summary>
    public KeyTable Next() => new(
        cat([Positions, Positions.narrow(-1, Count - 1, 1) + 1], -1),
        Seen is null ? null : cat([Seen, ones(Seen.size(0), 1, ScalarType.Int64, Seen.device)], 1));

    /// <summary>The positions of the last S keys, which are the queries.</summary>
    public Tensor Queries(long count) => Positions.narrow(-1, Count - count, count);

    /// <summary>
    /// 0 where one of the last S keys, as a query, may see a key, else nearly −∞: never the future, never padding, and within the
    /// window only. `[B or 1, 1, S, K]`
    /// </summary>
    public Tensor Bias(long queries, int? window, ScalarType type, double never)
    {
        var device = Positions.device;
        var query = arange(Count - queries, Count, dtype: ScalarType.Int64, device: device).unsqueeze(1);
        var hidden = arange(Count, dtype: ScalarType.Int64, device: device).gt(query).unsqueeze(0);         // [1, S, K]
        if (window is { } size)
        {
            var distance = Queries(queries).unsqueeze(-1) - Positions.unsqueeze(-2);                        // [S, K] or [B, S, K]
            hidden = hidden.logical_or(distance.ge(size));
        }
        hidden = hidden.unsqueeze(1);
        if (Seen is not null)
            hidden = hidden.logical_or(Seen.eq(0).unsqueeze(1).unsqueeze(1));                               // [B, 1, S, K]
        return zeros(hidden.shape, type, device).masked_fill_(hidden, never);
    }
}
