using System.Numerics.Tensors;

namespace Microsoft.ML.Peft.Inference;

/// <summary>From logits to probabilities.</summary>
internal static class Probabilities
{
    /// <summary>
    /// exp(x) / Σ exp(x), where the largest logit is taken off first: exp of a logit above 88 is no longer a 32-bit number, and
    /// TensorPrimitives takes nothing off.
    /// </summary>
    /// <param name="logits">At least one is finite.</param>
    /// <param name="probabilities">Receives them; may be <paramref name="logits"/>.</param>
    public static void Softmax(ReadOnlySpan<float> logits, Span<float> probabilities)
    {
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max(logits), probabilities);
        probabilities = probabilities[..logits.Length];
        TensorPrimitives.SoftMax(probabilities, probabilities);
    }

    /// <summary>ln Σ exp(x): what a log-probability is smaller by than its logit. At least one logit is finite.</summary>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        float largest = TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp(logit - largest);
        return largest + Math.Log(sum);
    }
}
