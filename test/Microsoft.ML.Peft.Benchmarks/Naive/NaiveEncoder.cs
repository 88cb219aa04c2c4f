using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Native;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks.Naive;

/// <summary>The BERT family.</summary>
internal sealed class NaiveEncoder(EncoderConfiguration shape, EncoderWeights weights) : NaiveModel
{
    public override ModelConfiguration Shape => shape;

    public override FrozenLinear? Pooler => weights.Pooler;

    public override Tensor Embed(Tensor ids) => Rows(weights.WordEmbeddings, ids);

    public override Tensor Forward(Tensor embedded, Tensor types, Tensor positions, Tensor mask, (Tensor Key, Tensor Value)[]? past)
    {
        var hidden = embedded.Plus(Rows(weights.PositionEmbeddings, positions.Plus((long)shape.FirstPosition)));
        if (weights.TokenTypeEmbeddings is { } table)
            hidden = hidden.Plus(Rows(table, table.size(0) == 1 ? zeros_like(types) : types));
        hidden = Norm(weights.EmbeddingsNorm, hidden);
        if (weights.EmbeddingsProjection is { } projection)
            hidden = Linear(projection, hidden);
        var bias = Bias(mask.to(ScalarType.Bool).view(mask.size(0), 1, 1, -1).expand(-1, -1, embedded.size(1), -1));             // [B, 1, S, K]
        for (int i = 0; i < shape.Layers; i++)
        {
            using var scope = NewDisposeScope();
            var layer = weights.Layers[i];
            int size = shape.HiddenSize;
            Tensor Project(int part) => Split(Linear(layer.QueryKeyValue, hidden, part * size, size), shape.Heads);              // [B, H, S, d]
            Tensor query = Project(0), key = Project(1), value = Project(2);
            if (past is not null)
                (key, value) = (cat([past[i].Key, key], 2), cat([past[i].Value, value], 2));
            var read = Merge(nn.functional.scaled_dot_product_attention(query, key, value, bias));
            hidden = Norm(layer.AttentionNorm, Linear(layer.AttentionOutput, read).Plus(hidden));
            var inner = shape.Activation.Apply(Linear(layer.Intermediate, hidden));
            hidden = Norm(layer.OutputNorm, Linear(layer.Output, inner).Plus(hidden)).MoveToOuterDisposeScope();
        }
        return hidden;
    }
}
