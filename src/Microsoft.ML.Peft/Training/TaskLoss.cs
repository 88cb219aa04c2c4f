using Microsoft.ML.Peft.Inference;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>What a task minimises, and the metric that it is judged by.</summary>
internal static class TaskLoss
{
    public static string MetricName(PredictionTask task) => task == PredictionTask.Regression ? "RSquared" : "Accuracy";

    /// <summary>Mean cross-entropy over classes, or mean squared error.</summary>
    /// <param name="task">The task.</param>
    /// <param name="outputs">`[B, C]`</param>
    /// <param name="labels">Class indices or values, one per row.</param>
    /// <param name="smoothing">The part of each class target spread over all classes, 0 to 1.</param>
    public static Tensor Loss(PredictionTask task, Tensor outputs, float[] labels, double smoothing = 0)
    {
        if (task == PredictionTask.Regression)
        {
            using var values = tensor(labels, [labels.Length, 1], device: outputs.device);
            return nn.functional.mse_loss(outputs, values);
        }
        using var classes = tensor(Array.ConvertAll(labels, label => (long)label), device: outputs.device);
        return nn.functional.cross_entropy(outputs, classes, label_smoothing: smoothing);
    }

    /// <summary>Accuracy, or R²: 1 − squared error / variance.</summary>
    /// <param name="task">The task.</param>
    /// <param name="scores">`[N × C]`, row by row.</param>
    /// <param name="labels">Class indices or values, one per row.</param>
    public static double Metric(PredictionTask task, ReadOnlySpan<float> scores, IReadOnlyList<float> labels)
    {
        int outputs = scores.Length / labels.Count;
        if (task == PredictionTask.Regression)
        {
            double mean = labels.Average(label => (double)label), error = 0, variance = 0;
            for (int row = 0; row < labels.Count; row++)
            {
                error += Math.Pow(scores[row] - labels[row], 2);
                variance += Math.Pow(labels[row] - mean, 2);
            }
            return variance > 0 ? 1 - error / variance : double.NaN;
        }
        int correct = 0;
        for (int row = 0; row < labels.Count; row++)
        {
            if (System.Numerics.Tensors.TensorPrimitives.IndexOfMax(scores.Slice(row * outputs, outputs)) == (int)labels[row])
                correct++;
        }
        return correct / (double)labels.Count;
    }
}
