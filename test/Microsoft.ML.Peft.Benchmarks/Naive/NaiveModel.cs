using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Native;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks.Naive;

/// <summary>
/// What Hugging Face PEFT computes, written plainly over the library's loaded weights: padded rows with masks, virtual tokens in front of
/// each row, a prefix copied for each row, all positions through all layers, 32-bit floats.
/// </summary>
internal abstract class NaiveModel
{
    public static NaiveModel Of(PretrainedModel backbone) => backbone.Frozen.Backbone switch
    {
        { Type: not ScalarType.Float32 } => throw new ArgumentException("The naive way computes in 32-bit floats; load the model so."),
        Decoder decoder => new NaiveDecoder(decoder.Configuration, decoder.Weights),
        Encoder encoder => new NaiveEncoder(encoder.Configuration, encoder.Weights),
        _ => throw new NotSupportedException($"The naive way is written for encoders and for decoders, not for '{backbone.Configuration.ModelType}'."),
    };

    public abstract ModelConfiguration Shape { get; }

    /// <summary>The pooler over the first position; null where there is none.</summary>
    public virtual FrozenLinear? Pooler => null;

    /// <summary>Token embeddings `[B, T, E]` of ids `[B, T]`.</summary>
    public abstract Tensor Embed(Tensor ids);

    /// <summary>The last hidden states.</summary>
    /// <param name="embedded">`[B, S, E]`</param>
    /// <param name="types">Token types `[B, S]`.</param>
    /// <param name="positions">Each token's number within its row, counted from 0, `[B, S]`.</param>
    /// <param name="mask">1 for tokens and 0 for padding, those before S included, `[B, K]`.</param>
    /// <param name="past">Each layer's keys and values before S `[B, KV, K − S, d]`, replaced by those after it; null for none.</param>
    /// <returns>`[B, S, D]`</returns>
    public abstract Tensor Forward(Tensor embedded, Tensor types, Tensor positions, Tensor mask, (Tensor Key, Tensor Value)[]? past);

    /// <summary>The last hidden states of all that stands in a row, `[B, P + T, D]`, or behind a prefix `[B, T, D]`.</summary>
    public Tensor Forward(NaiveBatch batch, NaivePrompt? prompt) => Forward(batch, prompt, Past(batch, prompt));

    /// <summary>The same, with the keys and values before the text given and replaced.</summary>
    public Tensor Forward(NaiveBatch batch, NaivePrompt? prompt, (Tensor Key, Tensor Value)[]? past)
    {
        Tensor embedded = Embed(batch.Ids), types = batch.TypeIds, mask = batch.Mask;
        if (prompt is not null)
            mask = cat([ones(batch.Rows, prompt.Length, ScalarType.Int64), mask], 1);
        if (prompt?.Embeddings(batch.Rows) is { } virtualTokens)
        {
            embedded = cat([virtualTokens, embedded], 1);                                       // [B, P + T, E]
            types = cat([zeros(batch.Rows, prompt.Length, ScalarType.Int64), types], 1);
        }
        long queries = embedded.size(1);
        var positions = mask.cumsum(1).sub(One).clamp_min_(Zero).narrow(1, mask.size(1) - queries, queries);
        return Forward(embedded, types, positions, mask, past);
    }

    /// <summary>Each layer's keys and values before the text: a prefix; null for none.</summary>
    public (Tensor Key, Tensor Value)[]? Past(NaiveBatch batch, NaivePrompt? prompt) => prompt?.KeysValues(batch.Rows, Shape);

    // Held, because the native library does not keep a number alive that it is passed.
    protected static TorchSharp.Scalar One { get; } = 1L;

    protected static TorchSharp.Scalar Zero { get; } = 0L;

    /// <summary>0 where a key may be seen and a very small number elsewhere, `[B, 1, S, K]` or `[B, 1, 1, K]`.</summary>
    protected static Tensor Bias(Tensor visible) => zeros_like(visible, ScalarType.Float32).masked_fill_(visible.logical_not(), Hidden);

    private static TorchSharp.Scalar Hidden { get; } = float.MinValue;

    protected static Tensor Norm(IFrozenNorm norm, Tensor x)
    {
        if (norm is FrozenLayerNorm layer)
            return nn.functional.layer_norm(x, layer.Weight.shape, layer.Weight, layer.Bias, layer.Epsilon);
        var rms = (FrozenRmsNorm)norm;
        var variance = x.square().mean([-1], keepdim: true);
        return rms.Weight.mul(x.mul(rsqrt(variance.Plus(rms.Epsilon))));
    }

    /// <summary>A table's rows `[B, T, E]` for numbers `[B, T]`.</summary>
    protected static Tensor Rows(Tensor table, Tensor numbers) => table.index_select(0, numbers.reshape(-1)).view(numbers.size(0), numbers.size(1), -1);

    protected static Tensor Linear(FrozenLinear linear, Tensor x) => nn.functional.linear(x, linear.Weight, linear.Bias);

    /// <summary>A part of a layer's outputs.</summary>
    protected static Tensor Linear(FrozenLinear linear, Tensor x, long start, long count) =>
        nn.functional.linear(x, linear.Weight.narrow(0, start, count), linear.Bias?.narrow(0, start, count));

    /// <summary>`[B, S, H·d]` to `[B, H, S, d]`.</summary>
    protected static Tensor Split(Tensor x, int heads) => x.view(x.size(0), x.size(1), heads, -1).transpose(1, 2);

    /// <summary>`[B, H, S, d]` to `[B, S, H·d]`.</summary>
    protected static Tensor Merge(Tensor x) => x.transpose(1, 2).reshape(x.size(0), x.size(2), -1);
}
