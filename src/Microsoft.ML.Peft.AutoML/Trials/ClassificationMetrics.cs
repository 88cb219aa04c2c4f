using System.Numerics.Tensors;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>Metrics of classes by their logits.</summary>
internal static class ClassificationMetrics
{
    public const string Accuracy = "Accuracy";
    public const string MicroAccuracy = "MicroAccuracy";
    public const string MacroAccuracy = "MacroAccuracy";
    public const string LogLoss = "LogLoss";
    public const string F1Score = "F1Score";
    public const string AreaUnderRocCurve = "AreaUnderRocCurve";

    private const double LeastProbability = 1e-15;

    /// <summary>Metrics of two classes, of which the second is the positive one.</summary>
    /// <param name="logits">`[N × 2]`, row by row.</param>
    /// <param name="labels">0 or 1.</param>
    public static Dictionary<string, double> OfTwo(float[] logits, IReadOnlyList<float> labels)
    {
        var (probabilities, predicted) = Predict(logits, 2, labels.Count);
        return new()
        {
            [Accuracy] = Right(predicted, labels),
            [LogLoss] = MeanLogLoss(probabilities, labels),
            [F1Score] = F1(predicted, labels, 1),
            [AreaUnderRocCurve] = Area([.. probabilities.Select(row => (double)row[1])], labels, 1),
        };
    }

    /// <summary>Metrics of any number of classes. Classes that no row has are left out of means over classes.</summary>
    /// <param name="logits">`[N × C]`, row by row.</param>
    /// <param name="classes">C.</param>
    /// <param name="labels">Class indices.</param>
    public static Dictionary<string, double> OfMany(float[] logits, int classes, IReadOnlyList<float> labels)
    {
        var (probabilities, predicted) = Predict(logits, classes, labels.Count);
        var present = labels.Select(label => (int)label).Distinct().Order().ToList();
        return new()
        {
            [MicroAccuracy] = Right(predicted, labels),
            [MacroAccuracy] = present.Average(c => Recall(predicted, labels, c)),
            [LogLoss] = MeanLogLoss(probabilities, labels),
            [F1Score] = present.Average(c => F1(predicted, labels, c)),
            [AreaUnderRocCurve] = present.Average(c => Area([.. probabilities.Select(row => (double)row[c])], labels, c)),
        };
    }

    private static (float[][] Probabilities, int[] Predicted) Predict(float[] logits, int classes, int rows)
    {
        var probabilities = Enumerable.Range(0, rows).Select(row =>
        {
            var values = new float[classes];
            Probabilities.Softmax(logits.AsSpan(row * classes, classes), values);
            return values;
        }).ToArray();
        return (probabilities, [.. probabilities.Select(row => TensorPrimitives.IndexOfMax(row))]);
    }

    private static double Right(int[] predicted, IReadOnlyList<float> labels) => predicted.Where((c, row) => c == (int)labels[row]).Count() / (double)labels.Count;

    /// <summary>The mean cross-entropy in nats.</summary>
    private static double MeanLogLoss(float[][] probabilities, IReadOnlyList<float> labels)
        => probabilities.Select((row, i) => -Math.Log(Math.Max(row[(int)labels[i]], LeastProbability))).Average();

    private static double Recall(int[] predicted, IReadOnlyList<float> labels, int c)
    {
        var own = Enumerable.Range(0, labels.Count).Where(row => (int)labels[row] == c).ToList();
        return own.Count(row => predicted[row] == c) / (double)own.Count;
    }

    private static double F1(int[] predicted, IReadOnlyList<float> labels, int c)
    {
        int right = predicted.Where((p, row) => p == c && (int)labels[row] == c).Count();
        int said = predicted.Count(p => p == c), are = labels.Count(label => (int)label == c);
        return said + are == 0 ? 0 : 2.0 * right / (said + are);
    }

    /// <summary>The probability that a row of a class scores higher than one of another; equal scores count half (Hanley and McNeil 1982).</summary>
    private static double Area(double[] scores, IReadOnlyList<float> labels, int c)
    {
        int[] order = [.. Enumerable.Range(0, scores.Length).OrderBy(row => scores[row])];
        double rankSum = 0;
        long own = 0;
        for (int start = 0; start < order.Length;)
        {
            int end = start;
            while (end < order.Length && scores[order[end]] == scores[order[start]])
                end++;
            int ownHere = order[start..end].Count(row => (int)labels[row] == c);
            rankSum += ownHere * ((start + 1 + end) / 2.0);     // the mean rank of equals
            own += ownHere;
            start = end;
        }
        long others = scores.Length - own;
        return own == 0 || others == 0 ? double.NaN : (rankSum - own * (own + 1) / 2.0) / ((double)own * others);
    }
}
