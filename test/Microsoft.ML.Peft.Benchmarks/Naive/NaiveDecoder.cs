using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Native;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks.Naive;

/// <summary>The decoders: GPT-2, Llama and their kin.</summary>
internal sealed class NaiveDecoder(DecoderConfiguration shape, DecoderWeights weights) : NaiveModel
{
    public override ModelConfiguration Shape => shape;

    public override Tensor Embed(Tensor ids) => Rows(weights.WordEmbeddings, ids).mul(weights.EmbeddingScale);

    /// <summary>`[…, V]` for hidden states `[…, D]`.</summary>
    public Tensor Logits(Tensor hidden)
    {
        if (weights.ProjectOut is { } projection)
            hidden = Linear(projection, hidden);
        return Cap(Linear(weights.Head!, hidden), shape.LogitSoftcap);
    }

    public override Tensor Forward(Tensor embedded, Tensor types, Tensor positions, Tensor mask, (Tensor Key, Tensor Value)[]? past)
    {
        var hidden = weights.ProjectIn is { } projection ? Linear(projection, embedded) : embedded;
        if (weights.PositionEmbeddings is { } table)
            hidden = hidden.Plus(Rows(table, positions.Plus((long)shape.FirstPosition)));
        Tensor full = Causal(mask, positions, null), windowed = shape.SlidingWindow is { } window ? Causal(mask, positions, window) : full;
        var angles = Angles(weights.Rotary, positions);
        var localAngles = weights.LocalRotary is { } local ? Angles(local, positions) : angles;
        for (int i = 0; i < shape.Layers; i++)
        {
            using var scope = NewDisposeScope();
            bool sliding = shape.IsSliding(i);
            hidden = Layer(weights.Layers[i], hidden, sliding ? localAngles : angles, sliding ? windowed : full, past, i).MoveToOuterDisposeScope();
        }
        return weights.FinalNorm is { } norm ? Norm(norm, hidden) : hidden;
    }

    private Tensor Layer(DecoderLayer layer, Tensor hidden, (Tensor Cos, Tensor Sin)? angles, Tensor bias, (Tensor Key, Tensor Value)[]? past, int number)
    {
        var attended = Linear(layer.AttentionOutput, Attend(layer, Norm(layer.InputNorm, hidden), angles, bias, past, number));
        if (shape.ParallelResidual)
            return hidden.Plus(attended).Plus(Mlp(layer, Norm(layer.MlpNorm, hidden)));
        hidden = hidden.Plus(layer.PostAttentionNorm is { } postAttention ? Norm(postAttention, attended) : attended);
        var inner = Mlp(layer, Norm(layer.MlpNorm, hidden));
        return hidden.Plus(layer.PostMlpNorm is { } postMlp ? Norm(postMlp, inner) : inner);
    }

    private Tensor Mlp(DecoderLayer layer, Tensor x)
    {
        if (!shape.GatedMlp)
            return Linear(layer.Down, shape.Activation.Apply(Linear(layer.Up, x)));
        int size = shape.IntermediateSize;
        return Linear(layer.Down, shape.Activation.Apply(Linear(layer.Up, x, 0, size)).mul(Linear(layer.Up, x, size, size)));
    }

    private Tensor Attend(DecoderLayer layer, Tensor x, (Tensor Cos, Tensor Sin)? angles, Tensor bias, (Tensor Key, Tensor Value)[]? past, int number)
    {
        int queries = shape.Heads * shape.HeadSize, keys = shape.KeyValueHeads * shape.HeadSize;
        var query = Split(Linear(layer.QueryKeyValue, x, 0, queries), shape.Heads);                      // [B, H, S, d]
        var key = Split(Linear(layer.QueryKeyValue, x, queries, keys), shape.KeyValueHeads);             // [B, KV, S, d]
        var value = Split(Linear(layer.QueryKeyValue, x, queries + keys, keys), shape.KeyValueHeads);
        if (layer.QueryNorm is { } queryNorm && layer.KeyNorm is { } keyNorm)
            (query, key) = (Norm(queryNorm, query), Norm(keyNorm, key));
        if (angles is { } at)
            (query, key) = (Rotate(query, at), Rotate(key, at));
        if (past is not null)
        {
            if (past[number].Key is { } before)
                (key, value) = (cat([before, key], 2), cat([past[number].Value, value], 2));
            past[number] = (key.MoveToOuterDisposeScope(), value.MoveToOuterDisposeScope());
        }
        return Merge(Attention(query, Repeat(key), Repeat(value), bias));
    }

    private Tensor Attention(Tensor query, Tensor key, Tensor value, Tensor bias)
    {
        if (shape.AttentionSoftcap is null && shape.AttentionScale is null)
            return nn.functional.scaled_dot_product_attention(query, key, value, bias);
        double scale = shape.AttentionScale ?? 1 / Math.Sqrt(shape.HeadSize);
        var scores = Cap(query.matmul(key.transpose(2, 3)).Times(scale), shape.AttentionSoftcap);
        return softmax(scores.Plus(bias), 3).matmul(value);
    }

    /// <summary>Shared keys or values `[B, KV, K, d]` for each query head: `[B, H, K, d]`.</summary>
    private Tensor Repeat(Tensor x)
    {
        int group = shape.Heads / shape.KeyValueHeads;
        return group == 1 ? x : x.unsqueeze(2).expand(-1, -1, group, -1, -1).reshape(x.size(0), shape.Heads, x.size(2), x.size(3));
    }

    private static Tensor Rotate(Tensor x, (Tensor Cos, Tensor Sin) at)
    {
        long size = at.Cos.size(3);
        Tensor rotated = x.narrow(3, 0, size), first = x.narrow(3, 0, size / 2), second = x.narrow(3, size / 2, size / 2);
        rotated = rotated.mul(at.Cos).Plus(cat([second, first], 3).mul(at.Sin));
        return size == x.size(3) ? rotated : cat([rotated, x.narrow(3, size, x.size(3) - size)], 3);
    }

    /// <summary>Cosines and sines `[B, 1, S, R]`, the first half's sines negative; null where positions are learned.</summary>
    private static (Tensor Cos, Tensor Sin)? Angles(Rotary? rotary, Tensor positions)
    {
        if (rotary is null)
            return null;
        var (cos, sin) = rotary.At(positions.reshape(-1));
        return (cos.view(positions.size(0), 1, positions.size(1), -1), sin.view(positions.size(0), 1, positions.size(1), -1));
    }

    /// <summary>The bias `[B, 1, S, K]` that hides padding, the future and what lies before a window.</summary>
    private static Tensor Causal(Tensor mask, Tensor positions, int? window)
    {
        long rows = mask.size(0), keys = mask.size(1), queries = positions.size(1);
        Tensor query = arange(keys - queries, keys).view(-1, 1), key = arange(keys).view(1, -1);
        var visible = key.le(query).logical_and(mask.to(ScalarType.Bool).view(rows, 1, 1, keys));        // [B, 1, S, K]
        if (window is { } size)
            visible = visible.logical_and(mask.cumsum(1).view(rows, 1, 1, keys).gt(positions.Plus(1L - size).view(rows, 1, queries, 1)));
        return Bias(visible);
    }

    private static Tensor Cap(Tensor x, double? cap) => cap is { } c ? tanh(x.Times(1 / c)).Times(c) : x;
}
