using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>How a decoder's queries find the keys and values of their sources.</summary>
internal abstract class SourceAttention
{
    /// <summary>What the heads of a layer read of the sources `[M, H·d]`.</summary>
    /// <param name="layer">The layer's number.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="query">`[M, H, d]`</param>
    public abstract Tensor Forward(int layer, CrossAttention weights, Tensor query);
}

/// <summary>Attention of whole targets, rows laid end to end, to their sources, which are laid end to end too.</summary>
internal sealed class PackedSource : SourceAttention
{
    private readonly Tensor _source;
    private readonly int _headSize;
    private readonly List<RowPairs> _pairs = [];

    /// <param name="source">The encoder's output `[M, D]`.</param>
    /// <param name="sources">Its rows.</param>
    /// <param name="targets">The decoder's rows, as many.</param>
    /// <param name="headSize">d.</param>
    public PackedSource(Tensor source, RowLayout sources, RowLayout targets, int headSize)
    {
        (_source, _headSize) = (source, headSize);
        foreach (int row in targets.Order)
        {
            var pair = new RowPairs(targets.Start(row), targets.Length(row), sources.Start(row), sources.Length(row), 1);
            if (_pairs.Count > 0 && _pairs[^1].IsFollowedBy(pair))
                _pairs[^1] = _pairs[^1] with { Rows = _pairs[^1].Rows + 1 };
            else
                _pairs.Add(pair);
        }
    }

    /// <summary>A layer's keys and values of the sources `[M, H, d]`.</summary>
    public static (Tensor Key, Tensor Value) KeysValues(CrossAttention weights, Tensor source, int headSize)
    {
        var projected = weights.KeyValue.Forward(source).view(source.size(0), 2, -1, headSize);                    // [M, 2, H, d]
        var parts = projected.unbind(1);
        return (parts[0], parts[1]);
    }

    public override Tensor Forward(int layer, CrossAttention weights, Tensor query)
    {
        var (key, value) = KeysValues(weights, _source, _headSize);
        return cat([.. _pairs.Select(pairs => Attend(pairs, query, key, value))], 0);
    }

    private static Tensor Attend(RowPairs pairs, Tensor query, Tensor key, Tensor value)
    {
        Tensor ByHead(Tensor x, long start, long length) =>
            x.narrow(0, start, pairs.Rows * length).view(pairs.Rows, length, x.size(1), x.size(2)).transpose(1, 2);     // [B, H, S, d]
        return Attention.Forward(
                ByHead(query, pairs.Target, pairs.TargetLength), ByHead(key, pairs.Source, pairs.SourceLength), ByHead(value, pairs.Source, pairs.SourceLength),
                null, EncoderDecoder.AttentionScale)
            .transpose(1, 2).reshape(pairs.Rows * pairs.TargetLength, -1);
    }

    /// <summary>Some rows side by side in both layouts whose targets are equally long and whose sources are, too.</summary>
    private readonly record struct RowPairs(long Target, long TargetLength, long Source, long SourceLength, long Rows)
    {
        public bool IsFollowedBy(RowPairs next) =>
            next.TargetLength == TargetLength && next.SourceLength == SourceLength && next.Source == Source + Rows * SourceLength;
    }
}

/// <summary>Attention of one token per row to sources whose keys and values are computed once for all tokens.</summary>
internal sealed class CachedSource : SourceAttention, IDisposable
{
    private readonly Tensor[] _keys;        // per layer [B, H, S, d], shorter sources padded
    private readonly Tensor[] _values;
    private Tensor? _bias;                  // [B, 1, 1, S]: 0, or −∞ at padding; null where nothing is padded

    /// <param name="keysValues">Keys and values of each layer `[M, H, d]`.</param>
    /// <param name="sources">The rows of which they are.</param>
    public CachedSource(IEnumerable<(Tensor Key, Tensor Value)> keysValues, RowLayout sources)
    {
        int rows = sources.Rows, length = Enumerable.Range(0, rows).Max(sources.Length);
        long[] places = new long[rows * length];
        float[] bias = new float[places.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < length; i++)
                (places[row * length + i], bias[row * length + i]) = i < sources.Length(row) ? (sources.Start(row) + i, 0f) : (0L, float.NegativeInfinity);
        }
        var pairs = keysValues.ToList();
        var (type, device) = (pairs[0].Key.dtype, pairs[0].Key.device);
        var at = tensor(places, device: device);
        Tensor Pad(Tensor x) => x.index_select(0, at).view(rows, length, x.size(1), x.size(2)).transpose(1, 2).contiguous().DetachFromDisposeScope();
        _keys = [.. pairs.Select(pair => Pad(pair.Key))];
        _values = [.. pairs.Select(pair => Pad(pair.Value))];
        _bias = Array.TrueForAll(bias, value => value == 0) ? null : tensor(bias, [rows, 1, 1, length], type, device).DetachFromDisposeScope();
    }

    public override Tensor Forward(int layer, CrossAttention weights, Tensor query) =>
        Attention.Forward(query.unsqueeze(2), _keys[layer], _values[layer], _bias, EncoderDecoder.AttentionScale).reshape(query.size(0), -1);

    /// <summary>Goes on with these of the rows.</summary>
    public void Keep(IReadOnlyList<int> rows)
    {
        using var kept = tensor(rows.Select(row => (long)row).ToArray(), device: _keys[0].device);
        Tensor Select(Tensor old)
        {
            using (old)
                return old.index_select(0, kept).DetachFromDisposeScope();
        }
        for (int layer = 0; layer < _keys.Length; layer++)
            (_keys[layer], _values[layer]) = (Select(_keys[layer]), Select(_values[layer]));
        _bias = _bias is null ? null : Select(_bias);
    }

    public void Dispose()
    {
        foreach (var tensor in _keys.Concat(_values))
            tensor.Dispose();
        _bias?.Dispose();
    }
}
