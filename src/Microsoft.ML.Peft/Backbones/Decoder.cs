using Microsoft.ML.Peft.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// The autoregressive transformer decoder (Radford et al. 2018), frozen: GPT-2, Llama, Mistral, Qwen, Phi-3, Gemma, GPT-NeoX
/// and OPT by configuration. H query heads share KV key/value heads in groups.
/// </summary>
/// <remarks>
/// Virtual tokens stand before the text and cannot see it, so their keys and values are the same for every row: they are computed
/// once, as one row, and are a prefix from then on.
/// </remarks>
internal sealed class Decoder(DecoderConfiguration configuration, DecoderWeights weights) : LanguageModel
{
    public override DecoderConfiguration Configuration => configuration;

    public override ScalarType Type => weights.Type;

    public override Device Device => weights.Device;

    public DecoderWeights Weights => weights;

    public override Tensor WordEmbeddings => weights.WordEmbeddings;

    public override int VirtualPositions(Prompt? prompt) => 0;

    public override Tensor Forward(TokenBatch batch, Prompts prompts, Tensor? positions = null, Action<int, Tensor, Tensor>? onKeysValues = null)
    {
        var prefixes = prompts.Select(Prepare);
        var at = tensor(batch.Layout.Numbers(number => prefixes.PrefixLength(number)), device: Device);   // [N]
        var attention = Attention(batch.Layout, prefixes);
        return Run(Embed(Words(batch.Ids), at), at, attention, positions, onKeysValues, prompts.Checkpoints);
    }

    /// <summary>Virtual tokens `[P, E]` alone, as one row: their hidden states `[P, D]`, or those at some positions.</summary>
    public Tensor Forward(Tensor virtualTokens, Tensor? positions = null, Action<int, Tensor, Tensor>? onKeysValues = null, GradientCheckpoints? checkpoints = null)
    {
        var layout = RowLayout.Of([(int)virtualTokens.size(0)]);
        var at = tensor(layout.Numbers(_ => 0), device: Device);
        return Run(Embed(virtualTokens.to(Type), at), at, Attention(layout, null), positions, onKeysValues, checkpoints);
    }

    /// <summary>Virtual tokens become the keys and values that every layer makes of them.</summary>
    public override Prompt Prepare(Prompt prompt)
    {
        if (prompt.Embeddings is not { } virtualTokens)
            return prompt;
        var keysValues = new List<Tensor>();                                                // 2·L of [KV, P, d]
        Forward(virtualTokens, empty(0, ScalarType.Int64, Device), (_, key, value) =>
            keysValues.AddRange([key.transpose(0, 1).MoveToOuterDisposeScope(), value.transpose(0, 1).MoveToOuterDisposeScope()]), prompt.Checkpoints);
        return Prompt.FromKeysValues(prompt.Length, keysValues);
    }

    public override WrittenRows Begin() => new DecoderRows(this);

    /// <summary>One further token per row `[B]` behind those that the cache holds, which then holds it too: hidden states `[B, D]`.</summary>
    public Tensor Next(Tensor ids, KeyValueCache cache)
    {
        cache.MakeRoom();
        var at = tensor(cache.Positions, device: Device);                                   // [B]
        var bias = cache.Bias(window: null, next: true);
        var slidingBias = configuration.SlidingWindow is { } window ? cache.Bias(window, next: true) : bias;
        var hidden = Run(Embed(Words(ids), at), at, new CachedAttention(
            cache, layer => configuration.IsSliding(layer) ? slidingBias : bias, configuration.AttentionScale, configuration.AttentionSoftcap), null, null);
        cache.Advance();
        return hidden;
    }

    public override Tensor Logits(Tensor hidden)
    {
        var head = weights.Head ?? throw new InvalidOperationException("The checkpoint has no output layer for tokens: it is no language model.");
        var logits = head.Forward(weights.ProjectOut?.Forward(hidden) ?? hidden).to(ScalarType.Float32);
        return configuration.LogitSoftcap is { } cap ? tanh(logits.Times(1 / cap)).Times(cap) : logits;
    }

    public override void Dispose() => weights.Dispose();

    private Tensor Run(
        Tensor hidden, Tensor at, RowAttention attention, Tensor? positions, Action<int, Tensor, Tensor>? onKeysValues, GradientCheckpoints? checkpoints = null)
    {
        var angles = weights.Rotary?.At(at);
        var localAngles = weights.LocalRotary?.At(at) ?? angles;
        for (int layer = 0; layer < configuration.Layers; layer++)
        {
            using var scope = NewDisposeScope();
            var context = new LayerContext(layer, configuration.IsSliding(layer) ? localAngles : angles, attention, layer == configuration.Layers - 1 ? positions : null, onKeysValues);
            hidden = (checkpoints is null ? Layer(hidden, weights.Layers[layer], context) : Layer(hidden, weights.Layers[layer], context, checkpoints)).MoveToOuterDisposeScope();
        }
        return weights.FinalNorm is { } norm ? norm.Forward(hidden) : hidden;
    }

    private Tensor Layer(Tensor hidden, DecoderLayer layer, LayerContext context)
    {
        var read = Attend(layer.InputNorm.Forward(hidden), layer, context);                 // [M, H·d]
        if (context.Positions is { } positions)
            (hidden, read) = (hidden.index_select(0, positions), read.index_select(0, positions));
        var attended = layer.AttentionOutput.Forward(read);                                 // [M, D]
        if (configuration.ParallelResidual)
            return hidden.Plus(attended).Plus(Mlp(layer.MlpNorm.Forward(hidden), layer));
        hidden = hidden.Plus(layer.PostAttentionNorm?.Forward(attended) ?? attended);
        var inner = Mlp(layer.MlpNorm.Forward(hidden), layer);
        return hidden.Plus(layer.PostMlpNorm?.Forward(inner) ?? inner);
    }

    /// <summary>The same as a segment, whose outputs are the layer's and, where they are wanted, its keys and values.</summary>
    private Tensor Layer(Tensor hidden, DecoderLayer layer, LayerContext context, GradientCheckpoints checkpoints)
    {
        if (context.OnKeysValues is not { } onKeysValues)
            return checkpoints.Run(() => Layer(hidden, layer, context));
        var outputs = checkpoints.Run(() =>
        {
            Tensor[] own = [];
            var output = Layer(hidden, layer, context with { OnKeysValues = (_, key, value) => own = [key, value] });
            return [output, .. own];
        });
        onKeysValues(context.Layer, outputs[1].MoveToOuterDisposeScope(), outputs[2].MoveToOuterDisposeScope());
        return outputs[0];
    }

    private Tensor Mlp(Tensor x, DecoderLayer layer)
    {
        var inner = layer.Up.Forward(x);                                                    // [M, I] or [M, 2I]
        if (configuration.GatedMlp)
        {
            var halves = inner.chunk(2, 1);
            inner = configuration.Activation.Apply(halves[0]).mul(halves[1]);
        }
        else
        {
            inner = configuration.Activation.Apply(inner);
        }
        return layer.Down.Forward(inner);
    }

    private Tensor Attend(Tensor x, DecoderLayer layer, LayerContext context)
    {
        int heads = configuration.Heads, shared = configuration.KeyValueHeads;
        var projected = layer.QueryKeyValue.Forward(x).view(x.size(0), heads + 2 * shared, configuration.HeadSize);    // [M, H + 2KV, d]
        var parts = projected.split([heads + shared, shared], 1);
        Tensor rotated = parts[0], value = parts[1];
        if (layer.QueryNorm is { } queryNorm && layer.KeyNorm is { } keyNorm)
        {
            parts = rotated.split([heads, shared], 1);
            rotated = cat([queryNorm.Forward(parts[0]), keyNorm.Forward(parts[1])], 1);
        }
        if (context.Angles is { } angles)
        {
            var rotary = configuration.IsSliding(context.Layer) ? weights.LocalRotary ?? weights.Rotary! : weights.Rotary!;
            rotated = rotary.Apply(rotated, angles);
        }
        parts = rotated.split([heads, shared], 1);
        context.OnKeysValues?.Invoke(context.Layer, parts[1], value);
        return context.Attention.Forward(context.Layer, parts[0], parts[1], value);
    }

    private Tensor Words(Tensor ids)
    {
        var words = weights.WordEmbeddings.index_select(0, ids);                            // [N, E]
        return configuration.EmbeddingScale == 1 ? words : words.mul(weights.EmbeddingScale);
    }

    private Tensor Embed(Tensor words, Tensor at)
    {
        if (weights.ProjectIn is { } projection)
            words = projection.Forward(words);
        return weights.PositionEmbeddings is { } table ? words.Plus(table.index_select(0, at.Plus((long)configuration.FirstPosition))) : words;
    }

    private PackedAttention Attention(RowLayout layout, Prompts prefixes)
    {
        var causal = new CausalBias(layout, prefixes, configuration.SlidingWindow, Type, Device);
        Tensor Bias(int layer, RowGroup group) => causal.Of(group, configuration.IsSliding(layer));
        return new PackedAttention(layout, prefixes, Type, Bias, configuration.AttentionScale, configuration.AttentionSoftcap);
    }

    private sealed record LayerContext(
        int Layer, (Tensor, Tensor)? Angles, RowAttention Attention, Tensor? Positions, Action<int, Tensor, Tensor>? OnKeysValues);
}
