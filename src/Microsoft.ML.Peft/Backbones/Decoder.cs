using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// The autoregressive transformer decoder (Radford et al. 2018), frozen: GPT-2, Llama, Mistral, Qwen, Phi-3, Gemma, GPT-NeoX
/// and OPT by configuration. H query heads share KV key/value heads in groups of G = H/KV.
/// </summary>
internal sealed class Decoder(DecoderConfiguration configuration, DecoderWeights weights) : Backbone
{
    /// <summary>Stands for −∞ in scores: finite, so that a padding position which sees no key stays a number.</summary>
    private const double Hidden = -1e30;

    public override DecoderConfiguration Configuration => configuration;

    public override ScalarType Type => weights.Type;

    public override Device Device => weights.Device;

    public override Tensor WordEmbeddings => weights.WordEmbeddings;

    public override Tensor Forward(TokenBatch batch, Prompt? prompt, Action<int, Tensor, Tensor>? onKeysValues = null)
    {
        int prefixLength = prompt?.KeysValues is null ? 0 : prompt.Length;
        var positions = Positions(batch, prompt);                                           // [S] or [B, S]
        var hidden = Embed(batch, prompt, positions);                                       // [B, S, D]
        var full = Bias(batch, prompt?.Length ?? 0, prefixLength, window: null);            // [B or 1, 1, S, K]
        var sliding = configuration.SlidingWindow is { } window ? Bias(batch, prompt?.Length ?? 0, prefixLength, window) : null;
        var angles = weights.Rotary?.At(positions);
        var localAngles = weights.LocalRotary?.At(positions) ?? angles;
        var prefix = prompt?.KeysValues?.to(Type);                                          // [2L, KV, P, d]
        for (int layer = 0; layer < configuration.Layers; layer++)
        {
            using var scope = NewDisposeScope();
            bool local = configuration.IsSliding(layer);
            var context = new LayerContext(layer, local ? sliding! : full, local ? localAngles : angles, prefix, onKeysValues);
            hidden = Layer(hidden, weights.Layers[layer], context).MoveToOuterDisposeScope();
        }
        hidden = weights.FinalNorm is { } norm ? norm.Forward(hidden) : hidden;
        return hidden;
    }

    /// <summary>The next token's logits `[…, V]`, 32-bit, for hidden states `[…, D]`.</summary>
    public Tensor Logits(Tensor hidden)
    {
        var head = weights.Head ?? throw new InvalidOperationException("The checkpoint has no output layer for tokens: it is no language model.");
        var logits = head.Forward(weights.ProjectOut?.Forward(hidden) ?? hidden).to(ScalarType.Float32);
        return configuration.LogitSoftcap is { } cap ? tanh(logits / cap) * cap : logits;
    }

    public override void Dispose() => weights.Dispose();

    private Tensor Layer(Tensor hidden, DecoderLayer layer, LayerContext context)
    {
        var attended = Attend(layer.InputNorm.Forward(hidden), layer, context);             // [B, S, D]
        if (configuration.ParallelResidual)
            return hidden + attended + Mlp(layer.MlpNorm.Forward(hidden), layer);
        hidden = hidden + (layer.PostAttentionNorm?.Forward(attended) ?? attended);
        var inner = Mlp(layer.MlpNorm.Forward(hidden), layer);
        return hidden + (layer.PostMlpNorm?.Forward(inner) ?? inner);
    }

    private Tensor Mlp(Tensor x, DecoderLayer layer)
    {
        var inner = layer.Up.Forward(x);                                                    // [B, S, I] or [B, S, 2I]
        if (configuration.GatedMlp)
        {
            var halves = inner.chunk(2, 2);
            inner = configuration.Activation.Apply(halves[0]) * halves[1];
        }
        else
        {
            inner = configuration.Activation.Apply(inner);
        }
        return layer.Down.Forward(inner);
    }

    private Tensor Attend(Tensor x, DecoderLayer layer, LayerContext context)
    {
        long rows = x.size(0), length = x.size(1);
        int heads = configuration.Heads, shared = configuration.KeyValueHeads, size = configuration.HeadSize;
        var projected = layer.QueryKeyValue.Forward(x).view(rows, length, heads + 2 * shared, size).transpose(1, 2);    // [B, H + 2KV, S, d]
        Tensor query = projected.narrow(1, 0, heads), key = projected.narrow(1, heads, shared), value = projected.narrow(1, heads + shared, shared);
        if (layer.QueryNorm is { } queryNorm && layer.KeyNorm is { } keyNorm)
            (query, key) = (queryNorm.Forward(query), keyNorm.Forward(key));
        if (context.Angles is { } angles)
        {
            var rotary = configuration.IsSliding(context.Layer) ? weights.LocalRotary ?? weights.Rotary! : weights.Rotary!;
            (query, key) = (rotary.Apply(query, angles), rotary.Apply(key, angles));
        }
        context.OnKeysValues?.Invoke(context.Layer, key, value);
        if (context.Prefix is { } prefix)
        {
            key = cat([prefix[2 * context.Layer].expand(rows, -1, -1, -1), key], 2);        // [B, KV, K, d]
            value = cat([prefix[2 * context.Layer + 1].expand(rows, -1, -1, -1), value], 2);
        }
        // The queries of a group attend to the same keys: one product for all of them.
        query = (query * (configuration.AttentionScale ?? 1 / Math.Sqrt(size))).reshape(rows, shared, heads / shared * length, size);
        var scores = query.matmul(key.transpose(2, 3)).view(rows, heads, length, -1);       // [B, H, S, K]
        if (configuration.AttentionSoftcap is { } cap)
            scores = tanh(scores / cap) * cap;
        var weight = softmax(scores + context.Bias, 3).view(rows, shared, heads / shared * length, -1);
        var attended = weight.matmul(value).view(rows, heads, length, size).transpose(1, 2).reshape(rows, length, heads * size);
        return layer.AttentionOutput.Forward(attended);
    }

    private Tensor Embed(TokenBatch batch, Prompt? prompt, Tensor positions)
    {
        var words = batch.Gather(weights.WordEmbeddings, batch.Ids);                        // [B, T, E]
        if (configuration.EmbeddingScale != 1)
            words = words * weights.EmbeddingScale;
        if (prompt?.Embeddings is { } virtualTokens)
            words = cat([virtualTokens.to(Type).expand(batch.Rows, -1, -1), words], 1);     // [B, P + T, E]
        if (weights.ProjectIn is { } projection)
            words = projection.Forward(words);
        if (weights.PositionEmbeddings is not { } table)
            return words;
        var at = positions + configuration.FirstPosition;
        return words + (at.dim() == 1 ? table.index_select(0, at) : table.index_select(0, at.reshape(-1)).view(words.shape));
    }

    /// <summary>
    /// Where each token stands: virtual tokens first, then the text; padding takes no position, so that a row padded on the left
    /// equals the row alone.
    /// </summary>
    private Tensor Positions(TokenBatch batch, Prompt? prompt)
    {
        int virtualTokens = prompt?.Length ?? 0;
        bool inside = prompt?.Embeddings is not null;
        if (batch.Mask is null)
            return arange(inside ? 0 : virtualTokens, virtualTokens + batch.Length, dtype: ScalarType.Int64, device: Device);
        var text = (batch.Mask.cumsum(1) - 1).clamp(min: 0) + virtualTokens;               // [B, T]
        return inside ? cat([arange(virtualTokens, dtype: ScalarType.Int64, device: Device).expand(batch.Rows, -1), text], 1) : text;
    }

    /// <summary>
    /// 0 where a query may see a key, else nearly −∞: never the future, never padding, and within the window only. The prefix
    /// stands before all queries and counts in the window.
    /// </summary>
    private Tensor Bias(TokenBatch batch, int virtualTokens, int prefixLength, int? window)
    {
        long keys = virtualTokens + batch.Length, queries = keys - prefixLength;
        var query = arange(prefixLength, keys, dtype: ScalarType.Int64, device: Device).unsqueeze(1);
        var key = arange(keys, dtype: ScalarType.Int64, device: Device).unsqueeze(0);
        var hidden = key.gt(query);                                                         // [S, K]
        if (window is { } size)
            hidden = hidden.logical_or(key.le(query - size));
        hidden = hidden.view(1, 1, queries, keys);
        if (batch.Mask is { } mask)
        {
            var padding = mask.eq(0);
            if (virtualTokens > 0)
                padding = cat([zeros(batch.Rows, virtualTokens, ScalarType.Bool, Device), padding], 1);
            hidden = hidden.logical_or(padding.view(batch.Rows, 1, 1, keys));               // [B, 1, S, K]
        }
        return zeros(hidden.shape, Type, Device).masked_fill_(hidden, Hidden);
    }

    private sealed record LayerContext(int Layer, Tensor Bias, (Tensor, Tensor)? Angles, Tensor? Prefix, Action<int, Tensor, Tensor>? OnKeysValues);
}
