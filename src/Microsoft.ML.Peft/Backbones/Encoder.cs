using Microsoft.ML.Peft.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// The bidirectional transformer encoder of Devlin et al. 2018, frozen: BERT, RoBERTa, DistilBERT and ELECTRA by
/// configuration. Read it beside the paper; shapes stand behind each line. Virtual tokens see the text, so each row has its own.
/// </summary>
internal sealed class Encoder : Backbone
{
    private readonly EncoderWeights _weights;

    public Encoder(EncoderConfiguration configuration, EncoderWeights weights)
    {
        Configuration = configuration;
        _weights = weights;
    }

    public override EncoderConfiguration Configuration { get; }

    public EncoderWeights Weights => _weights;

    public override ScalarType Type => _weights.Type;

    public override Device Device => _weights.Device;

    public override Tensor WordEmbeddings => _weights.WordEmbeddings;

    public override int PaddingId => Configuration.PaddingId;

    public override int TokenTypes => Configuration.TokenTypes;

    public override FrozenLinear? Pooler => _weights.Pooler;

    public override int VirtualPositions(Prompt? prompt) => prompt?.Embeddings is null ? 0 : prompt.Length;

    public override Tensor Forward(TokenBatch batch, Prompts prompts, Tensor? positions = null, Action<int, Tensor, Tensor>? onKeysValues = null)
    {
        var layout = batch.Layout.Widen(prompts.InputLength);
        var attention = new PackedAttention(layout, prompts, Type);
        var hidden = Embed(batch, layout, prompts);                                             // [M, D]
        for (int layer = 0; layer < Configuration.Layers; layer++)
        {
            using var scope = NewDisposeScope();
            var (number, input) = (layer, hidden);
            Tensor Compute() => Layer(number, input, attention, number == Configuration.Layers - 1 ? positions : null, onKeysValues);
            hidden = (prompts.Checkpoints is { } checkpoints ? checkpoints.Run(Compute) : Compute()).MoveToOuterDisposeScope();
        }
        return hidden;
    }

    public override void Dispose() => _weights.Dispose();

    private Tensor Layer(int layer, Tensor hidden, RowAttention attention, Tensor? positions, Action<int, Tensor, Tensor>? onKeysValues)
    {
        var weights = _weights.Layers[layer];
        var projected = weights.QueryKeyValue.Forward(hidden).view(hidden.size(0), 3, Configuration.Heads, Configuration.HeadSize);     // [M, 3, H, D/H]
        var parts = projected.unbind(1);                                                        // query, key, value
        onKeysValues?.Invoke(layer, parts[1], parts[2]);
        var read = attention.Forward(layer, parts[0], parts[1], parts[2]);                      // [M, D]
        if (positions is not null)
            (hidden, read) = (hidden.index_select(0, positions), read.index_select(0, positions));
        hidden = weights.AttentionNorm.Forward(hidden.Plus(weights.AttentionOutput.Forward(read)));
        var inner = Configuration.Activation.Apply(weights.Intermediate.Forward(hidden));       // [M, 4D]
        return weights.OutputNorm.Forward(hidden.Plus(weights.Output.Forward(inner)));
    }

    private Tensor Embed(TokenBatch batch, RowLayout layout, Prompts prompts)
    {
        var words = _weights.WordEmbeddings.index_select(0, batch.Ids);                         // [N, E]
        if (layout != batch.Layout)
            words = batch.Layout.InFront(number => prompts[number]?.Embeddings, words);         // [M, E]
        // Text behind a prefix starts behind its positions, though the prefix has no input of its own.
        long First(int number) => Configuration.FirstPosition + prompts.PrefixLength(number);
        var embedded = words.Plus(_weights.PositionEmbeddings.index_select(0, tensor(layout.Numbers(First), device: Device)));
        if (_weights.TokenTypeEmbeddings is { } types)
            embedded = embedded.Plus(TypeEmbeddings(types, batch, prompts));
        embedded = _weights.EmbeddingsNorm.Forward(embedded);
        return _weights.EmbeddingsProjection is { } projection ? projection.Forward(embedded) : embedded;
    }

    /// <summary>Token type embeddings, `[M, E]` or one for all; virtual tokens have type 0.</summary>
    private static Tensor TypeEmbeddings(Tensor types, TokenBatch batch, Prompts prompts)
    {
        // A tokenizer may count the second text of a pair where the model does not.
        if (batch.TypeIds is null || types.size(0) == 1)
            return types[0];
        var text = types.index_select(0, batch.TypeIds);                                        // [N, E]
        return batch.Layout.InFront(number => prompts.InputLength(number) is > 0 and var count ? types[0].expand(count, -1) : null, text);
    }
}
