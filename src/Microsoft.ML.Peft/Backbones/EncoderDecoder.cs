using Microsoft.ML.Peft.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// The encoder–decoder transformer of Raffel et al. 2020 (T5), frozen. The encoder reads the source; the decoder writes the target
/// and sees its own past and all of the source. Norms stand before each sublayer, scores are not scaled, nothing has a bias.
/// </summary>
/// <remarks>
/// Virtual tokens stand in front of the source; since the encoder is bidirectional they see it, and each row has its own. A prefix
/// stands in front of the decoder's own keys and values, and nowhere else.
/// </remarks>
internal sealed class EncoderDecoder(EncoderDecoderConfiguration configuration, EncoderDecoderWeights weights) : LanguageModel
{
    /// <summary>The factor on query·key.</summary>
    public const double AttentionScale = 1;

    public override EncoderDecoderConfiguration Configuration => configuration;

    public override ScalarType Type => weights.Type;

    public override Device Device => weights.Device;

    public override Tensor WordEmbeddings => weights.WordEmbeddings;

    public override int PaddingId => configuration.PaddingId;

    public override int Submodules => 2;

    public override bool Continues => false;

    public override int VirtualPositions(Prompt? prompt) => 0;

    /// <summary>The decoder's last hidden states at the positions of the targets, as <see cref="Backbone.Forward"/>.</summary>
    public override Tensor Forward(TokenBatch batch, Prompts prompts, Tensor? positions = null, Action<int, Tensor, Tensor>? onKeysValues = null)
    {
        var target = batch.Target ?? throw new InvalidOperationException("An encoder–decoder's batch needs targets: tokens for the decoder beside those for the encoder.");
        var (source, layout) = Encode(batch, prompts);
        return Decode(target, prompts, new PackedSource(source, layout, target.Layout, configuration.HeadSize), positions, onKeysValues);
    }

    /// <summary>The encoder's output `[M, D]` for the sources, and where their rows lie in it, virtual tokens included.</summary>
    public (Tensor Hidden, RowLayout Layout) Encode(TokenBatch batch, Prompts prompts)
    {
        var hidden = weights.WordEmbeddings.index_select(0, batch.Ids);                         // [N, D]
        var layout = batch.Layout.Widen(prompts.InputLength);
        if (layout != batch.Layout)
            hidden = batch.Layout.InFront(number => prompts[number]?.Embeddings, hidden);       // [M, D]
        var stack = weights.Encoder;
        // Without virtual tokens no gradient comes here.
        var checkpoints = layout == batch.Layout ? null : prompts.Checkpoints;
        var attention = new PackedAttention(layout, default, Type, Bias(stack.RelativeBias, layout, default), AttentionScale);
        for (int number = 0; number < stack.Layers.Length; number++)
        {
            using var scope = NewDisposeScope();
            var (at, input) = (number, hidden);
            Tensor Compute() => Mlp(SelfAttend(input, stack.Layers[at], at, attention), stack.Layers[at]);
            hidden = (checkpoints is null ? Compute() : checkpoints.Run(Compute)).MoveToOuterDisposeScope();
        }
        // All layers of the decoder read it.
        var source = stack.FinalNorm.Forward(hidden);
        return (checkpoints is null ? source : checkpoints.Share([source])[0], layout);
    }

    /// <summary>The decoder's last hidden states for whole targets.</summary>
    public Tensor Decode(TokenBatch target, Prompts prompts, SourceAttention source, Tensor? positions = null, Action<int, Tensor, Tensor>? onKeysValues = null)
    {
        var bias = Bias(weights.Decoder.RelativeBias, target.Layout, prompts);
        return Decode(target.Ids, new PackedAttention(target.Layout, prompts, Type, bias, AttentionScale), source, positions, onKeysValues, prompts.Checkpoints);
    }

    /// <summary>One further token per row `[B]` behind those that the cache holds, which then holds it too: hidden states `[B, D]`.</summary>
    public Tensor Next(Tensor ids, KeyValueCache cache, SourceAttention source)
    {
        cache.MakeRoom();
        // Rows end at one column, so that a column is equally far behind all of them.
        var bias = weights.Decoder.RelativeBias.At(1, cache.Columns + 1);                       // [H, 1, K]
        if (cache.Bias(window: null, next: true) is { } unseen)
            bias = bias.Plus(unseen);                                                           // [B, H, 1, K]
        var hidden = Decode(ids, new CachedAttention(cache, _ => bias, AttentionScale), source, null, null);
        cache.Advance();
        return hidden;
    }

    public override Tensor Logits(Tensor hidden)
    {
        if (configuration.ScaleOutputs)
            hidden = hidden.Times(1 / Math.Sqrt(configuration.HiddenSize));
        return weights.Head.Forward(hidden).to(ScalarType.Float32);
    }

    /// <summary>The encoder reads the texts; the decoder reads the start token and the targets.</summary>
    public override (TokenBatch Batch, long[] Asking) TeacherForced(IReadOnlyList<IReadOnlyList<int>> texts, IReadOnlyList<int[]> targets)
    {
        var target = TokenBatch.Create([.. targets.Select(target => (IReadOnlyList<int>)[configuration.StartId, .. target[..^1]])], Device);
        long[] asking = [.. targets.SelectMany((tokens, row) => Enumerable.Range(0, tokens.Length).Select(at => target.Layout.Start(row) + at))];
        return (TokenBatch.Create(texts, Device) with { Target = target }, asking);
    }

    public override WrittenRows Begin() => new EncoderDecoderRows(this);

    public override void Dispose() => weights.Dispose();

    private Tensor Decode(
        Tensor ids, RowAttention self, SourceAttention source, Tensor? positions, Action<int, Tensor, Tensor>? onKeysValues, GradientCheckpoints? checkpoints = null)
    {
        var hidden = weights.WordEmbeddings.index_select(0, ids);                               // [M, D]
        var stack = weights.Decoder;
        for (int number = 0; number < stack.Layers.Length; number++)
        {
            using var scope = NewDisposeScope();
            var (at, input) = (number, hidden);
            Tensor Compute()
            {
                var layer = stack.Layers[at];
                var attended = CrossAttend(SelfAttend(input, layer, at, self, onKeysValues), layer.Cross!, at, source);
                return Mlp(positions is not null && at == stack.Layers.Length - 1 ? attended.index_select(0, positions) : attended, layer);
            }
            hidden = (checkpoints is null ? Compute() : checkpoints.Run(Compute)).MoveToOuterDisposeScope();
        }
        return stack.FinalNorm.Forward(hidden);
    }

    private Tensor SelfAttend(Tensor hidden, StackLayer layer, int number, RowAttention attention, Action<int, Tensor, Tensor>? onKeysValues = null)
    {
        var projected = layer.QueryKeyValue.Forward(layer.SelfAttentionNorm.Forward(hidden))
            .view(hidden.size(0), 3, configuration.Heads, configuration.HeadSize);              // [M, 3, H, d]
        var parts = projected.unbind(1);                                                        // query, key, value
        onKeysValues?.Invoke(number, parts[1], parts[2]);
        return hidden.Plus(layer.AttentionOutput.Forward(attention.Forward(number, parts[0], parts[1], parts[2])));
    }

    private Tensor CrossAttend(Tensor hidden, CrossAttention cross, int number, SourceAttention source)
    {
        var query = cross.Query.Forward(cross.Norm.Forward(hidden)).view(hidden.size(0), configuration.Heads, configuration.HeadSize);  // [M, H, d]
        return hidden.Plus(cross.Output.Forward(source.Forward(number, cross, query)));
    }

    private Tensor Mlp(Tensor hidden, StackLayer layer)
    {
        var inner = layer.Up.Forward(layer.MlpNorm.Forward(hidden));                            // [M, I] or [M, 2I]
        if (configuration.GatedMlp)
        {
            var halves = inner.chunk(2, 1);
            inner = configuration.Activation.Apply(halves[0]).mul(halves[1]);
        }
        else
        {
            inner = configuration.Activation.Apply(inner);
        }
        return hidden.Plus(layer.Down.Forward(inner));
    }

    /// <summary>The bias of each prefix and row length, made before any layer's dispose scope, because the layers share it.</summary>
    private static Func<int, RowGroup, Tensor> Bias(RelativeBias bias, RowLayout layout, Prompts prompts)
    {
        (long Queries, long Keys) Lengths(RowGroup group) => (group.Length, prompts.PrefixLength(group.Prompt) + group.Length);
        var byLengths = layout.Groups.Select(Lengths).Distinct().ToDictionary(lengths => lengths, lengths => bias.At(lengths.Queries, lengths.Keys));
        return (_, group) => byLengths[Lengths(group)];
    }
}
