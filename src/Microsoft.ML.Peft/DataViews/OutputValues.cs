using Microsoft.ML.Data;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>From a head's raw outputs to the values of output columns.</summary>
internal static class OutputValues
{
    /// <summary>The key (from 1) of the largest logit; of the first where several are.</summary>
    public static uint Key(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            if (logits[i] > logits[best])
                best = i;
        }
        return (uint)best + 1;
    }

    public static void Softmax(ReadOnlySpan<float> logits, ref VBuffer<float> target)
    {
        var editor = VBufferEditor.Create(ref target, logits.Length);
        Probabilities.Softmax(logits, editor.Values);
        target = editor.Commit();
    }

    /// <summary>The log-odds of `true`, the second of two classes.</summary>
    public static float Logit(ReadOnlySpan<float> logits) => logits[1] - logits[0];

    public static float Sigmoid(float logit) => 1 / (1 + MathF.Exp(-logit));
}
