using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// The relative position bias of T5 (Raffel et al. 2020, section 2.1): what is added to the score of a query and a key depends on
/// the head and on how far the key is behind the query. Near distances have a bias each, farther ones share theirs in ranges that grow.
/// </summary>
internal sealed class RelativeBias : IDisposable
{
    private readonly Tensor _table;         // [H, 2·M + 1]: the keys M behind to M ahead of the query
    private readonly int _farthest;         // M; what is farther counts as M

    /// <param name="weight">One bias per bucket and head `[buckets, H]`.</param>
    /// <param name="maxDistance">M.</param>
    /// <param name="causal">Whether a query sees no key behind itself; else buckets are split between both sides.</param>
    public RelativeBias(Tensor weight, int maxDistance, bool causal)
    {
        using var scope = NewDisposeScope();
        _farthest = maxDistance;
        int buckets = (int)weight.size(0), behind = causal ? buckets : buckets / 2;
        var before = Buckets(behind, maxDistance).to(weight.device);                            // [M + 1]
        var earlier = weight.index_select(0, before.flip(0));                                   // [M + 1, H]
        var later = causal
            ? full([maxDistance, weight.size(1)], double.NegativeInfinity, weight.dtype, weight.device)
            : weight.index_select(0, before.narrow(0, 1, maxDistance) + behind);                // [M, H]
        _table = cat([earlier, later], 0).t().contiguous().DetachFromDisposeScope();
    }

    /// <summary>The bias `[H, S, K]` for K keys in a row, the last S of which are the queries, too.</summary>
    public Tensor At(long queries, long keys)
    {
        // Along a diagonal the distance is the same: each query's row is a window into one line of distances.
        long[] distances = new long[queries + keys - 1];
        for (int i = 0; i < distances.Length; i++)
            distances[i] = Math.Clamp(i - (keys - 1), -_farthest, _farthest) + _farthest;
        using var index = tensor(distances, device: _table.device);
        return _table.index_select(1, index).unfold(1, keys, 1).flip(1);
    }

    public void Dispose() => _table.Dispose();

    /// <summary>The bucket of each distance from 0 to <paramref name="maxDistance"/>, computed in the reference's precision and order.</summary>
    private static Tensor Buckets(int count, int maxDistance)
    {
        int exact = count / 2;
        using var scope = NewDisposeScope();
        var distance = arange(maxDistance + 1, dtype: ScalarType.Int64);
        var range = log(distance.clamp(min: 1).to(ScalarType.Float32) / (float)exact) / (float)Math.Log(maxDistance / (double)exact) * (float)(count - exact);
        var far = (range.to(ScalarType.Int64) + exact).clamp(max: count - 1);
        return where(distance.lt(exact), distance, far).MoveToOuterDisposeScope();
    }
}
