using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks.Naive;

/// <summary>A head for classification over padded rows, with the library's values.</summary>
internal sealed class NaiveHead(SequenceHead head, FrozenLinear? pooler)
{
    /// <summary>The outputs `[B, C]` for hidden states `[B, S, D]`, the text's being the last T.</summary>
    public Tensor Forward(Tensor hidden, NaiveBatch batch)
    {
        var pooled = Pool(hidden, batch);                                                   // [B, D]
        if (head.Layout.UsesPooler)
            pooled = tanh(nn.functional.linear(pooled, pooler!.Weight, pooler.Bias));
        if (head.Layout.Dense is { } dense)
            pooled = head.Layout.DenseActivation.Apply(Linear(dense, pooled));
        return Linear(head.Layout.Output, pooled);
    }

    private Tensor Pool(Tensor hidden, NaiveBatch batch)
    {
        long virtualTokens = hidden.size(1) - batch.Length;
        if (head.Pooling == Pooling.Cls)
            return hidden.select(1, virtualTokens);
        if (head.Pooling == Pooling.HuggingFace && !head.Layout.ReadsLastToken)
            return hidden.select(1, 0);                                                     // a virtual token where there are any
        var text = hidden.narrow(1, virtualTokens, batch.Length);
        if (head.Pooling == Pooling.Mean)
        {
            var mask = batch.Mask.unsqueeze(2).to(ScalarType.Float32);                      // [B, T, 1]
            return text.mul(mask).sum(1).div(mask.sum(1));
        }
        var last = batch.Mask.sum(1).sub(ones(batch.Rows, ScalarType.Int64)).view(-1, 1, 1).expand(-1, 1, text.size(2));
        return text.gather(1, last).squeeze(1);
    }

    private Tensor Linear(string name, Tensor x) => nn.functional.linear(x, head.Parameters[name + ".weight"], head.Parameters.GetValueOrDefault(name + ".bias"));
}
