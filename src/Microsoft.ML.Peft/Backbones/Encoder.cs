using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// The bidirectional transformer encoder of Devlin et al. 2018, frozen: BERT, RoBERTa, DistilBERT and ELECTRA by
/// configuration. Read it beside the paper; shapes stand behind each line.
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

    public override ScalarType Type => _weights.Type;

    public override Device Device => _weights.Device;

    public override Tensor WordEmbeddings => _weights.WordEmbeddings;

    public override int PaddingId => Configuration.PaddingId;

    public override int TokenTypes => Configuration.TokenTypes;

    public override FrozenLinear? Pooler => _weights.Pooler;

    public override Tensor Forward(TokenBatch batch, Prompt? prompt, Action<int, Tensor, Tensor>? onKeysValues = null)
    {
        var hidden = Embed(batch, prompt);                                                      // [B, S, D]
        var bias = AttentionBias(batch.Mask, prompt?.Length ?? 0);                              // [B, 1, 1, P + T]
        var prefix = prompt?.KeysValues?.to(Type);                                              // [2L, H, P, D/H]
        for (int layer = 0; layer < Configuration.Layers; layer++)
        {
            using var scope = NewDisposeScope();
            var weights = _weights.Layers[layer];
            var attended = Attend(hidden, weights, bias, prefix, layer, onKeysValues);
            hidden = weights.AttentionNorm.Forward(hidden + weights.AttentionOutput.Forward(attended));
            var inner = Configuration.Activation.Apply(weights.Intermediate.Forward(hidden));   // [B, S, 4D]
            hidden = weights.OutputNorm.Forward(hidden + weights.Output.Forward(inner));        // [B, S, D]
            hidden = hidden.MoveToOuterDisposeScope();
        }
        return hidden;
    }

    public override void Dispose() => _weights.Dispose();

    private Tensor Attend(Tensor hidden, EncoderLayer weights, Tensor? bias, Tensor? prefix, int layer, Action<int, Tensor, Tensor>? onKeysValues)
    {
        long rows = hidden.size(0), length = hidden.size(1);
        var projected = weights.QueryKeyValue.Forward(hidden)                                   // [B, S, 3D]
            .view(rows, length, 3, Configuration.Heads, Configuration.HeadSize)
            .permute(2, 0, 3, 1, 4);                                                            // [3, B, H, S, D/H]
        Tensor query = projected[0], key = projected[1], value = projected[2];                  // [B, H, S, D/H]
        onKeysValues?.Invoke(layer, key, value);
        if (prefix is not null)
        {
            key = cat([prefix[2 * layer].expand(rows, -1, -1, -1), key], 2);                    // [B, H, P + T, D/H]
            value = cat([prefix[2 * layer + 1].expand(rows, -1, -1, -1), value], 2);
        }
        return Attention.Forward(query, key, value, bias)                                       // [B, H, S, D/H]
            .transpose(1, 2).reshape(rows, length, Configuration.HiddenSize);
    }

    private Tensor Embed(TokenBatch batch, Prompt? prompt)
    {
        var words = batch.Gather(_weights.WordEmbeddings, batch.Ids);                           // [B, T, E]
        int shift = prompt?.Length ?? 0;
        if (prompt?.Embeddings is { } virtualTokens)
        {
            words = cat([virtualTokens.to(Type).expand(batch.Rows, -1, -1), words], 1);         // [B, P + T, E]
            shift = 0;
        }
        var embedded = words + Positions(batch, shift, words.size(1), textOnly: prompt?.Embeddings is null);
        if (_weights.TokenTypeEmbeddings is { } types)
            embedded = embedded + TypeEmbeddings(types, batch, words.size(1) - batch.Length);
        embedded = _weights.EmbeddingsNorm.Forward(embedded);
        return _weights.EmbeddingsProjection is { } projection ? projection.Forward(embedded) : embedded;
    }

    /// <summary>Position embeddings `[S, E]`, or `[B, S, E]` where padding takes no positions; they start behind a prefix.</summary>
    private Tensor Positions(TokenBatch batch, int shift, long length, bool textOnly)
    {
        if (Configuration.PositionsSkipPadding && textOnly && batch.Mask is { } mask)
        {
            var positions = (mask.cumsum(1) + shift) * mask + (Configuration.FirstPosition - 1);
            return batch.Gather(_weights.PositionEmbeddings, positions);
        }
        return _weights.PositionEmbeddings.narrow(0, Configuration.FirstPosition + shift, length);
    }

    /// <summary>Token type embeddings, broadcastable to `[B, S, E]`; virtual tokens have type 0.</summary>
    private static Tensor TypeEmbeddings(Tensor types, TokenBatch batch, long virtualTokens)
    {
        // A tokenizer may count the second text of a pair where the model does not.
        if (batch.TypeIds is null || types.size(0) == 1)
            return types[0];
        var text = batch.Gather(types, batch.TypeIds);                                          // [B, T, E]
        return virtualTokens == 0 ? text : cat([types[0].expand(batch.Rows, virtualTokens, -1), text], 1);
    }

    /// <summary>0 where a key may be seen and −∞ where it is padding; null if every key may be seen.</summary>
    private Tensor? AttentionBias(Tensor? mask, int virtualTokens)
    {
        if (mask is null)
            return null;
        var bias = zeros_like(mask, Type).masked_fill_(mask.eq(0), double.NegativeInfinity);    // [B, T]
        if (virtualTokens > 0)
            bias = cat([zeros(mask.size(0), virtualTokens, Type, Device), bias], 1);            // [B, P + T]
        return bias.unsqueeze(1).unsqueeze(1);
    }
}
