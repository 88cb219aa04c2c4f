using Microsoft.ML.Data;
using Microsoft.ML.Peft.AutoML.Trials;
using RegressionMetrics = Microsoft.ML.Peft.AutoML.Trials.RegressionMetrics;

namespace Microsoft.ML.Peft.AutoML.Tests.Trials;

/// <summary>The metrics are what ML.NET's own evaluators compute, where they have them.</summary>
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
    public void Multiclass_metrics_are_those_of_ML_NET()
    {
        // Of four classes the third has no row, though it is predicted. Two rows have equal logits: the first class of them counts.
        float[] logits =
        [
            2, 1, 0, 0,
            0.5f, 0.5f, 0, -1,
            0, 3, 1, 0,
            1, 0, 2, 0,
            0, 1.5f, 0, 1,
            0, 0, 0, 0,
            -1, 0, 0.5f, 4,
            0.5f, 2, 0, 2,
        ];
        float[] labels = [0, 0, 1, 1, 1, 3, 3, 3];
        const int classes = 4;
        var own = ClassificationMetrics.OfMany(logits, classes, labels);
        var rows = labels.Select((label, row) => new ClassRow
        {
            Label = (uint)label,        // of rows in memory ML.NET counts keys from 0
            Score = Softmax(logits[(row * classes)..((row + 1) * classes)]),
            PredictedLabel = Best(logits, row, classes),
        }).ToList();
        var theirs = _mlContext.MulticlassClassification.Evaluate(_mlContext.Data.LoadFromEnumerable(rows));
        Assert.Equal(theirs.MicroAccuracy, own["MicroAccuracy"], 1e-9);
        Assert.Equal(theirs.MacroAccuracy, own["MacroAccuracy"], 1e-9);
        Assert.Equal((1 + 2 / 3.0 + 1 / 3.0) / 3, own["MacroAccuracy"], 1e-9);
        Assert.Equal(theirs.LogLoss, own["LogLoss"], 1e-6);
        Assert.Equal(new[] { 0, 1, 3 }.Average(c => AreaOfOneAgainstTheRest(rows, c)), own["AreaUnderRocCurve"], 1e-6);
        Assert.Equal(new[] { 0, 1, 3 }.Average(c => F1(theirs.ConfusionMatrix, c)), own["F1Score"], 1e-9);
    }

    [Fact]
    public void Multiclass_metrics_of_many_rows_are_those_of_ML_NET()
    {
        const int classes = 7;
        var (logits, labels) = Random(rows: 500, classes);
        var own = ClassificationMetrics.OfMany(logits, classes, labels);
        var theirs = _mlContext.MulticlassClassification.Evaluate(_mlContext.Data.LoadFromEnumerable(labels.Select((label, row) => new WideRow
        {
            Label = (uint)label,
            Score = Softmax(logits[(row * classes)..((row + 1) * classes)]),
            PredictedLabel = Best(logits, row, classes),
        })));
        Assert.Equal(theirs.MicroAccuracy, own["MicroAccuracy"], 1e-9);
        Assert.Equal(theirs.MacroAccuracy, own["MacroAccuracy"], 1e-9);
        Assert.Equal(theirs.LogLoss, own["LogLoss"], 1e-6);
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

    private double AreaOfOneAgainstTheRest(IEnumerable<ClassRow> rows, int c) => _mlContext.BinaryClassification.Evaluate(_mlContext.Data.LoadFromEnumerable(rows.Select(row => new BinaryRow
    {
        Label = row.Label == c,
        Score = row.Score[c],
        Probability = row.Score[c],
        PredictedLabel = row.PredictedLabel == c,
    }))).AreaUnderRocCurve;

    private static double F1(ConfusionMatrix matrix, int c)
        => matrix.PerClassPrecision[c] + matrix.PerClassRecall[c] is > 0 and var sum ? 2 * matrix.PerClassPrecision[c] * matrix.PerClassRecall[c] / sum : 0;

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

    private sealed class ClassRow
    {
        [KeyType(4)]
        public uint Label { get; set; }

        [VectorType(4)]
        public float[] Score { get; set; } = [];

        [KeyType(4)]
        public uint PredictedLabel { get; set; }
    }

    private sealed class WideRow
    {
        [KeyType(7)]
        public uint Label { get; set; }

        [VectorType(7)]
        public float[] Score { get; set; } = [];

        [KeyType(7)]
        public uint PredictedLabel { get; set; }
    }

    private sealed class ValueRow
    {
        public float Label { get; set; }

        public float Score { get; set; }
    }
}
