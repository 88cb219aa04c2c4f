using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class CalibrationTests
{
    private const int Rows = 4000;

    [Theory]
    [InlineData(0.25)]
    [InlineData(1)]
    [InlineData(5)]
    public void Logits_that_are_off_by_a_factor_are_put_right(double factor)
    {
        // Labels drawn with probability 0.8 for the first class and 0.2 for the second: the honest logit is ln 4.
        float[] labels = [.. Enumerable.Range(0, Rows).Select(row => row % 5 == 0 ? 1f : 0f)];
        float[] logits = [.. labels.SelectMany(_ => new[] { (float)(factor * Math.Log(4)), 0f })];
        Assert.Equal(1 / factor, Calibration.InverseTemperature(logits, labels), 0.01 / factor);
    }

    [Fact]
    public void It_is_the_factor_of_least_cross_entropy()
    {
        var random = new Random(3);
        float[] labels = [.. Enumerable.Range(0, 500).Select(_ => (float)random.Next(3))];
        float[] logits = [.. labels.SelectMany(label => Enumerable.Range(0, 3).Select(c => (float)(6 * random.NextDouble() + (c == (int)label ? 2 : 0))))];
        double best = Calibration.InverseTemperature(logits, labels);
        Assert.True(CrossEntropy(best) < CrossEntropy(best * 1.05));
        Assert.True(CrossEntropy(best) < CrossEntropy(best / 1.05));

        double CrossEntropy(double factor) => Enumerable.Range(0, labels.Length).Average(row =>
        {
            double[] z = [.. logits.AsSpan(row * 3, 3).ToArray().Select(logit => factor * logit)];
            return Math.Log(z.Sum(Math.Exp)) - z[(int)labels[row]];
        });
    }

    [Fact]
    public void Faultless_rows_do_not_ask_for_infinite_confidence()
    {
        float[] logits = [3, 0, 0, 3, 3, 0, 0, 3];
        double factor = Calibration.InverseTemperature(logits, [0, 1, 0, 1]);
        // Of four rows a class is certain to 1 − 1/6 only: ln(5) of logit.
        Assert.Equal(Math.Log(5) / 3, factor, 1e-4);
    }

    [Fact]
    public void The_head_is_scaled_and_ranks_as_before()
    {
        using var scope = NewDisposeScope();
        using var head = new SequenceHead(Pooling.Mean, HeadLayout.Linear, new Dictionary<string, Tensor>
        {
            ["classifier.weight"] = tensor(new float[] { 1, -2, 3, 4 }, [2, 2]),
            ["classifier.bias"] = tensor(new float[] { 5, -6 }),
        }, pooler: null);
        float[] logits = [3, 0, 0, 3, 3, 0, 0, 3];
        float factor = (float)Calibration.InverseTemperature(logits, [0, 1, 0, 1]);
        Calibration.Apply(head, factor);
        Assert.Equal([factor, -2 * factor, 3 * factor, 4 * factor], head.OutputWeight.data<float>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal([5 * factor, -6 * factor], head.OutputBias!.data<float>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
    }
}
