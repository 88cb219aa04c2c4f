using Microsoft.ML.Peft.Native;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Scaled dot-product attention (Vaswani et al. 2017, equation 1), with groups of query heads per key (Ainslie et al. 2023).</summary>
internal static class Attention
{
    /// <summary>softmax(s · Q Kᵀ + bias) V, where scores may first go through c·tanh(x/c).</summary>
    /// <param name="query">`[B, H, S, d]`</param>
    /// <param name="key">`[B, KV, K, d]`; H is a multiple of KV.</param>
    /// <param name="value">`[B, KV, K, d]`</param>
    /// <param name="bias">Is added to the scores, broadcastable to `[B, H, S, K]`; null for nothing.</param>
    /// <param name="scale">s; null for 1/√d.</param>
    /// <param name="softcap">c, or null.</param>
    /// <returns>`[B, H, S, d]`</returns>
    public static Tensor Forward(Tensor query, Tensor key, Tensor value, Tensor? bias, double? scale = null, double? softcap = null)
    {
        if (StepAttention.Suits(query, key))
            return StepAttention.Forward(query, key, value, bias, scale ?? 1 / Math.Sqrt(query.size(3)), softcap);
        long rows = query.size(0), heads = query.size(1), length = query.size(2), size = query.size(3), shared = key.size(1);
        // The queries of a group attend to the same keys: one product for all of them. And not matmul, which does not survive a lack of memory.
        query = query.Times(scale ?? 1 / Math.Sqrt(size)).reshape(rows * shared, heads / shared * length, size);
        key = key.reshape(rows * shared, -1, size);
        value = value.reshape(rows * shared, -1, size);
        var scores = bmm(query, key.transpose(1, 2));                                       // [B·KV, G·S, K]
        if (softcap is { } cap)
            scores = tanh(scores.Times(1 / cap)).Times(cap);
        if (bias is not null)
            scores = scores.view(rows, heads, length, -1).Plus(bias).view(rows * shared, heads / shared * length, -1);
        return bmm(softmax(scores, 2), value).view(rows, heads, length, size);
    }
}
