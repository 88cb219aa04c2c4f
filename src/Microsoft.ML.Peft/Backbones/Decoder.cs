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
    private const double Never = -1e30;

    public override DecoderConfiguration Configuration => configuration;

    public override ScalarType Type => weights.Type;

    public override Device Device => weights.Device;

    public override Tensor WordEmbeddings => weights.WordEmbeddings;

    public override Tensor Forward(TokenBatch batch, Prompt? prompt, Action<int, Tensor, Tensor>? onKeysValues = null) =>
        Forward(batch, prompt, null, onKeysValues);

    /// <summary>As <see cref="Backbone.Forward"/>, with the keys and values of earlier tokens, to which the batch's are added.</summary>
    /// <param name="batch">The first tokens, or one further token per row `[B, 1]`.</param>
    /// <param name="prompt">The soft prompt, with the first tokens only.</param>
    /// <param name="cache">What went before, and after this call the batch too; null to keep nothing.</param>
    /// <param name="onKeysValues">Is shown each layer's own keys and values.</param>
    public Tensor Forward(TokenBatch batch, Prompt? prompt, KeyValueCache? cache, Action<int, Tensor, Tensor>? onKeysValues = null)
    {
        var table = cache?.Table?.Next() ?? KeyTable.Start(batch, prompt?.Length ?? 0, Device);
        long queries = batch.Length + (prompt?.Embeddings is null ? 0 : prompt.Length);
        var positions = table.Queries(queries);                                             // [S] or [B, S]
        var hidden = Embed(batch, prompt, positions);                                       // [B, S, D]
        var full = table.Bias(queries, null, Type, Never);                                  // [B or 1, 1, S, K]
        var sliding = configuration.SlidingWindow is { } window ? table.Bias(queries, window, Type, Never) : full;
        var angles = weights.Rotary?.At(positions);
        var localAngles = weights.LocalRotary?.At(positions) ?? angles;
        var prefix = prompt?.KeysValues?.to(Type);                                          // [2L, KV, P, d]
        for (int layer = 0; layer < configuration.Layers; layer++)
        {
            using var scope = NewDisposeScope();
            bool local = configuration.IsSliding(layer);
            var context = new LayerContext(layer, local ? sliding : full, local ? localAngles : angles, prefix, cache, onKeysValues);
            hidden = Layer(hidden, weights.Layers[layer], context).MoveToOuterDisposeScope();
        }
        if (cache is not null)
            cache.Table = table;
        return weights.FinalNorm is { } norm ? norm.Forward(hidden) : hidden;
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
        (key, value) = Remember(key, value, context);                                       // [B, KV, K, d]
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

    /// <summary>The layer's keys and values behind those of the prefix and of earlier tokens.</summary>
    private static (Tensor Key, Tensor Value) Remember(Tensor key, Tensor value, LayerContext context)
    {
        if (context.Prefix is not { } prefix)
            return context.Cache?.Append(context.Layer, key, value) ?? (key, value);
        var prefixKey = prefix[2 * context.Layer].expand(key.size(0), -1, -1, -1);
        var prefixValue = prefix[2 * context.Layer + 1].expand(key.size(0), -1, -1, -1);
        if (context.Cache is not { } cache)
            return (cat([prefixKey, key], 2), cat([prefixValue, value], 2));
        cache.Append(context.Layer, prefixKey, prefixValue);
        return cache.Append(context.Layer, key, value);
    }

    private sealed record LayerContext(int Layer, Tensor Bias, (Tensor, Tensor)? Angles, Tensor? Prefix, KeyValueCache? Cache, Action<int, Tensor, Tensor>? OnKeysValues);
}
