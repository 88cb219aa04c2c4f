using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class TaskLossTests
{
    [Fact]
    public void Label_smoothing_spreads_a_part_of_the_target_over_all_classes()
    {
        using var scope = NewDisposeScope();
        var outputs = tensor(new float[] { 2, 0, -1 }, [1, 3]);
        double sum = Math.Log(Math.Exp(2) + 1 + Math.Exp(-1));
        double right = sum - 2, all = sum - (2 + 0 - 1) / 3.0;
        Assert.Equal(0.9 * right + 0.1 * all, TaskLoss.Loss(PredictionTask.Multiclass, outputs, [0], smoothing: 0.1).item<float>(), 1e-5);
    }

    [Fact]
    public void Cross_entropy_is_the_mean_negative_log_probability()
    {
        // Probabilities 3/4 and 1/2 of the right classes.
        double expected = -(Math.Log(0.75) + Math.Log(0.5)) / 2;
        Assert.Equal(expected, Loss(PredictionTask.Multiclass, [(float)Math.Log(3), 0, 5, 5], 2, [0, 1]), 6);
    }

    [Fact]
    public void Smoothing_spreads_a_part_of_the_target_over_all_classes()
    {
        double expected = -(0.95 * Math.Log(0.75) + 0.05 * Math.Log(0.25));
        Assert.Equal(expected, Loss(PredictionTask.Binary, [(float)Math.Log(3), 0], 2, [0], smoothing: 0.1), 6);
    }

    [Fact]
    public void Regression_has_the_mean_squared_error() =>
        Assert.Equal(2.5, Loss(PredictionTask.Regression, [1, 2], 1, [0, 4]), 6);

    [Fact]
    public void Accuracy_counts_rows_whose_highest_score_is_the_label()
    {
        float[] scores = [0.1f, 0.9f, -1, /**/ 3, 2, 1, /**/ -3, -2, -1, /**/ 0, 0, 0];
        Assert.Equal(0.75, TaskLoss.Metric(PredictionTask.Multiclass, scores, [1, 0, 0, 0]));
        Assert.Equal("Accuracy", TaskLoss.MetricName(PredictionTask.Multiclass));
        Assert.Equal("Accuracy", TaskLoss.MetricName(PredictionTask.Binary));
    }

    [Theory]
    [InlineData(new float[] { 1, 2, 3 }, 1)]
    [InlineData(new float[] { 1, 2, 4 }, 0.5)]
    [InlineData(new float[] { 2, 2, 2 }, 0)]
    [InlineData(new float[] { 3, 2, 1 }, -3)]
    public void R_squared_is_one_minus_error_over_variance(float[] scores, double expected)
    {
        Assert.Equal(expected, TaskLoss.Metric(PredictionTask.Regression, scores, [1, 2, 3]), 12);
        Assert.Equal("RSquared", TaskLoss.MetricName(PredictionTask.Regression));
    }

    [Fact]
    public void R_squared_of_equal_labels_is_undefined() =>
        Assert.Equal(double.NaN, TaskLoss.Metric(PredictionTask.Regression, [1, 2], [5, 5]));

    private static double Loss(PredictionTask task, float[] outputs, int classes, float[] labels, double smoothing = 0)
    {
        using var scope = NewDisposeScope();
        return TaskLoss.Loss(task, tensor(outputs, [labels.Length, classes]), labels, smoothing).item<float>();
    }
}
