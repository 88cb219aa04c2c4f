using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>How a layer's queries find keys and values: the only part of a transformer in which positions meet.</summary>
internal abstract class RowAttention
{
    /// <summary>What the heads of a layer read `[M, H·d]`.</summary>
    /// <param name="layer">The layer's number.</param>
    /// <param name="query">`[M, H, d]`</param>
    /// <param name="key">`[M, KV, d]`</param>
    /// <param name="value">`[M, KV, d]`</param>
    public abstract Tensor Forward(int layer, Tensor query, Tensor key, Tensor value);
}

/// <summary>Attention within rows laid end to end: each row's queries see their soft prompt's prefix, if it has one, and their own row's keys.</summary>
internal sealed class PackedAttention : RowAttention
{
    private readonly RowLayout _layout;
    private readonly Dictionary<int, IReadOnlyList<Tensor>?> _prefixes;     // by soft prompt; keys (even) and values (odd) of all layers [KV, P, d]
    private readonly Func<int, RowGroup, Tensor>? _bias;
    private readonly double? _scale;
    private readonly double? _softcap;

    /// <param name="layout">The rows.</param>
    /// <param name="prompts">Their soft prompts.</param>
    /// <param name="type">The number format.</param>
    /// <param name="bias">By layer and rows what is added to the scores, broadcastable to `[B, H, S, P + S]`; null where every key may be seen.</param>
    /// <param name="scale">The factor on query·key; null for 1/√d.</param>
    /// <param name="softcap">Scores go through c·tanh(x/c); null for not.</param>
    public PackedAttention(RowLayout layout, Prompts prompts, ScalarType type, Func<int, RowGroup, Tensor>? bias = null, double? scale = null, double? softcap = null)
    {
        (_layout, _bias, _scale, _softcap) = (layout, bias, scale, softcap);
        _prefixes = layout.Groups.Select(group => group.Prompt).Distinct().ToDictionary(number => number, number => prompts[number]?.KeysValuesAs(type));
    }

    public override Tensor Forward(int layer, Tensor query, Tensor key, Tensor value)
    {
        var groups = _layout.Groups;
        if (groups.Count == 1)
            return Attend(layer, groups[0], query, key, value);
        Tensor[] queries = _layout.Split(query), keys = _layout.Split(key), values = _layout.Split(value);
        return cat([.. groups.Select((group, i) => Attend(layer, group, queries[i], keys[i], values[i]))], 0);
    }

    private Tensor Attend(int layer, RowGroup group, Tensor query, Tensor key, Tensor value)
    {
        (query, key, value) = (ByHead(query, group), ByHead(key, group), ByHead(value, group));                // [B, H, S, d], [B, KV, S, d]
        if (_prefixes[group.Prompt] is { } prefix)
            (key, value) = (Behind(prefix[2 * layer], key), Behind(prefix[2 * layer + 1], value));             // [B, KV, P + S, d]
        return Attention.Forward(query, key, value, _bias?.Invoke(layer, group), _scale, _softcap)            // [B, H, S, d]
            .transpose(1, 2).reshape(group.Count, -1);
    }

    private static Tensor ByHead(Tensor x, RowGroup group) => x.view(group.Rows, group.Length, x.size(1), x.size(2)).transpose(1, 2);

    private static Tensor Behind(Tensor prefix, Tensor own) => cat([prefix.expand(own.size(0), -1, -1, -1), own], 2);
}

/// <summary>Attention of one further token per row, over all that the cache holds of its row and itself.</summary>
/// <param name="cache">The cache.</param>
/// <param name="bias">By layer what is added to the scores, broadcastable to `[B, H, 1, K]`; null where every key may be seen.</param>
/// <param name="scale">The factor on query·key; null for 1/√d.</param>
/// <param name="softcap">Scores go through c·tanh(x/c); null for not.</param>
internal sealed class CachedAttention(KeyValueCache cache, Func<int, Tensor?> bias, double? scale = null, double? softcap = null) : RowAttention
{
    public override Tensor Forward(int layer, Tensor query, Tensor key, Tensor value)
    {
        var (keys, values) = cache.Append(layer, key, value);                                                  // [B, KV, K, d]
        return Attention.Forward(query.unsqueeze(2), keys, values, bias(layer), scale, softcap).reshape(query.size(0), -1);
    }
}
