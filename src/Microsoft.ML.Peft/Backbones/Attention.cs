using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Scaled dot-product attention (Vaswani et al. 2017, equation 1).</summary>
internal static class Attention
{
    /// <summary>softmax(Q Kᵀ / √d + bias) V for queries `[B, H, S, d]`, keys and values `[B, H, K, d]`.</summary>
    public static Tensor Forward(Tensor query, Tensor key, Tensor value, Tensor? bias)
    {
        double scale = 1 / Math.Sqrt(query.size(3));
        var scores = (query * scale).matmul(key.transpose(2, 3));
        if (bias is not null)
            scores = scores + bias;
        return softmax(scores, 3).matmul(value);
    }
}
