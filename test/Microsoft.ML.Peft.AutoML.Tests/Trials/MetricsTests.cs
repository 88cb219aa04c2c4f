using Microsoft.ML.Peft.AutoML.Trials;

namespace Microsoft.ML.Peft.AutoML.Tests.Trials;

/// <summary>The metrics are what ML.NET's own evaluators compute, where they have them; those of many classes are compared in a search of real trainings.</summary>
public sealed class MetricsTests
{
    private readonly MLContext _mlContext = new(1);

    [Fact]
    public void Binary_metrics_are_those_of_ML_NET()
    {
        var (logits, labels) = Random(rows: 300, classes: 2);
        var own = ClassificationMetrics.OfTwo(logits, labels);
        var view = _mlContext.Data.LoadFromEnumerable(labels.Select((label, row) => new BinaryRow
        {
            Label = label > 0,
            Score = logits[row * 2 + 1] - logits[row * 2],
            Probability = Softmax(logits[(row * 2)..(row * 2 + 2)])[1],
            PredictedLabel = Best(logits, row, 2) == 1,
        }));
        var theirs = _mlContext.BinaryClassification.Evaluate(view);
        Assert.Equal(theirs.Accuracy, own["Accuracy"], 1e-9);
        Assert.Equal(theirs.F1Score, own["F1Score"], 1e-9);
        Assert.Equal(theirs.AreaUnderRocCurve, own["AreaUnderRocCurve"], 1e-6);
        Assert.Equal(theirs.LogLoss * Math.Log(2), own["LogLoss"], 1e-5);       // theirs is in bits
    }

    [Fact]
    public void Regression_metrics_are_those_of_ML_NET()
    {
        var random = new Random(2);
        float[] values = [.. Enumerable.Range(0, 200).Select(_ => random.NextSingle())], labels = [.. values.Select(value => value * 2 + random.NextSingle())];
        var own = RegressionMetrics.Of(values, labels);
        var theirs = _mlContext.Regression.Evaluate(_mlContext.Data.LoadFromEnumerable(values.Zip(labels, (score, label) => new ValueRow { Label = label, Score = score })));
        Assert.Equal(theirs.RSquared, own["RSquared"], 1e-6);
        Assert.Equal(theirs.RootMeanSquaredError, own["RootMeanSquaredError"], 1e-6);
        Assert.Equal(theirs.MeanAbsoluteError, own["MeanAbsoluteError"], 1e-6);
    }

    [Fact]
    public void Equal_scores_count_half_in_the_area_under_the_curve()
        // The positive row scores as one negative, above another and below the third.
        => Assert.Equal((0.5 + 1 + 0) / 3, ClassificationMetrics.OfTwo([0, 0, 0, 1, 0, 1, 0, 2], [0, 0, 1, 0])["AreaUnderRocCurve"], 1e-9);

    [Fact]
    public void Macro_F1_is_the_mean_over_the_classes()
    {
        // Of class 0 two rows, one right; of class 1 one row, right; class 2 has no row but one prediction.
        float[] logits = [1, 0, 0, 0, 0, 1, 0, 1, 0];
        Assert.Equal((2.0 / 3 + 1) / 2, ClassificationMetrics.OfMany(logits, 3, [0, 0, 1])["F1Score"], 1e-9);
    }

    private static (float[] Logits, float[] Labels) Random(int rows, int classes)
    {
        var random = new Random(1);
        float[] labels = [.. Enumerable.Range(0, rows).Select(_ => (float)(random.Next(10) < 5 ? 0 : random.Next(classes)))];
        float[] logits = [.. Enumerable.Range(0, rows * classes).Select(i => random.NextSingle() + (labels[i / classes] == i % classes ? 0.3f : 0))];
        return (logits, labels);
    }

    private static uint Best(float[] logits, int row, int classes) => (uint)Array.IndexOf(logits, logits.Skip(row * classes).Take(classes).Max(), row * classes, classes) - (uint)(row * classes);

    private static float[] Softmax(float[] logits)
    {
        var values = new float[logits.Length];
        System.Numerics.Tensors.TensorPrimitives.SoftMax(logits, values);
        return values;
    }

    private sealed class BinaryRow
    {
        public bool Label { get; set; }

        public float Score { get; set; }

        public float Probability { get; set; }

        public bool PredictedLabel { get; set; }
    }

    private sealed class ValueRow
    {
        public float Label { get; set; }

        public float Score { get; set; }
    }
}
