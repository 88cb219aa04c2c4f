using System.Numerics.Tensors;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>
/// Temperature scaling (Guo et al. 2017): one factor on all logits, fitted to validation rows, makes probabilities mean what they
/// say. It changes no ranking, and lies in the head's output layer afterwards.
/// </summary>
internal static class Calibration
{
    private const int Iterations = 50;
    private const double Least = 0.05;
    private const double Most = 20;

    /// <summary>Scales the head's output layer.</summary>
    /// <param name="head">The head that gave the logits.</param>
    /// <param name="factor">See <see cref="InverseTemperature"/>.</param>
    public static void Apply(SequenceHead head, double factor)
    {
        using var frozen = no_grad();
        head.OutputWeight.mul_(factor);
        head.OutputBias?.mul_(factor);
    }

    /// <summary>
    /// The factor of least cross-entropy, by Newton's method. Targets are Platt's (1999): a class seen N times in N rows is
    /// certain to 1 − 1/(N + 2) only, so that faultless validation rows do not ask for infinite confidence.
    /// </summary>
    /// <param name="logits">`[N × C]`, row by row.</param>
    /// <param name="labels">The classes.</param>
    public static double InverseTemperature(float[] logits, IReadOnlyList<float> labels)
    {
        int classes = logits.Length / labels.Count;
        double doubt = 1.0 / (labels.Count + 2);
        var probabilities = new float[classes];
        double factor = 1;
        for (int i = 0; i < Iterations; i++)
        {
            double slope = 0, curvature = 1e-12;
            for (int row = 0; row < labels.Count; row++)
            {
                var z = logits.AsSpan(row * classes, classes);
                TensorPrimitives.Multiply(z, (float)factor, probabilities);
                Probabilities.Softmax(probabilities, probabilities);
                double mean = TensorPrimitives.Dot(probabilities, z), square = 0;
                for (int c = 0; c < classes; c++)
                    square += probabilities[c] * (double)z[c] * z[c];
                double right = z[(int)labels[row]], others = (TensorPrimitives.Sum(z) - right) / (classes - 1);
                slope += mean - (1 - doubt) * right - doubt * others;
                curvature += square - mean * mean;
            }
            // A step in the logarithm of the factor at most, since far from the optimum the curve is not a parabola.
            double next = Math.Clamp(factor - slope / curvature, Math.Max(Least, factor / 2), Math.Min(Most, factor * 2));
            if (Math.Abs(next - factor) < 1e-6)
                return next;
            factor = next;
        }
        return factor;
    }
}
