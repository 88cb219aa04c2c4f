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
    private readonly Action<int, Tensor, Tensor>? _onKeysValues;
    private readonly List<RowPairs> _pairs = [];

    /// <param name="source">The encoder's output `[M, D]`.</param>
    /// <param name="sources">Its rows.</param>
    /// <param name="targets">The decoder's rows, as many.</param>
    /// <param name="headSize">d.</param>
    /// <param name="onKeysValues">Is shown each layer's keys and values of the sources `[M, H, d]`.</param>
    public PackedSource(Tensor source, RowLayout sources, RowLayout targets, int headSize, Action<int, Tensor, Tensor>? onKeysValues = null)
    {
        (_source, _headSize, _onKeysValues) = (source, headSize, onKeysValues);
        foreach (int row in targets.Order)
        {
            var pair = new RowPairs(targets.Start(row), targets.Length(row), sources.Start(row), sources.Length(row), 1);
            if (_pairs.Count > 0 && _pairs[^1].IsFollowedBy(pair))
                _pairs[^1] = _pairs[^1] with { Rows = _pairs[^1].Rows + 1 };
            else
                _pairs.Add(pair);
        }
    }

    public override Tensor Forward(int layer, CrossAttention weights, Tensor query)
    {
        var projected = weights.KeyValue.Forward(_source).view(_source.size(0), 2, -1, _headSize);     // [M, 2, H, d]
        var parts = projected.unbind(1);
        Tensor key = parts[0], value = parts[1];
        _onKeysValues?.Invoke(layer, key, value);
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
/// <param name="sources">The keys and values of the sources; none is added after them.</param>
internal sealed class CachedSource(KeyValueCache sources) : SourceAttention
{
    private readonly Tensor? _bias = sources.Bias(window: null);

    public override Tensor Forward(int layer, CrossAttention weights, Tensor query)
    {
        var (keys, values) = sources.Of(layer);                                                 // [B, H, S, d]
        return Attention.Forward(query.unsqueeze(2), keys, values, _bias, EncoderDecoder.AttentionScale).reshape(query.size(0), -1);
    }
}
