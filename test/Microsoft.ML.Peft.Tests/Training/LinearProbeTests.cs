using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class LinearProbeTests : IDisposable
{
    private const double SquaredLength = 32;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Generator _generator = new(4, CPU);

    [Fact]
    public void A_separable_problem_is_solved()
    {
        var classes = arange(60) % 3;
        var centres = randn(3, 8, generator: _generator) * 3;
        var x = centres.index_select(0, classes) + randn(60, 8, generator: _generator) * 0.3;
        using var probe = LinearProbe.Fit(x, nn.functional.one_hot(classes, 3).to(ScalarType.Float32), regression: false);
        Assert.True(probe.Predict(x).argmax(1).eq(classes).all().item<bool>());
    }

    /// <summary>The objective is strictly convex: a point without gradient is its only minimum.</summary>
    [Theory]
    [InlineData(30, 4, 3)]
    [InlineData(200, 10, 2)]
    [InlineData(10, 20, 4)]
    public void The_gradient_of_the_regularized_cross_entropy_is_zero_at_the_solution(int rows, int width, int classes)
    {
        var x = randn(rows, width, generator: _generator);
        var targets = nn.functional.one_hot(randint(0, classes, [rows], generator: _generator), classes).to(ScalarType.Float32);
        using var probe = LinearProbe.Fit(x, targets, regression: false);
        var weight = Weight(probe, width, Scale(x)).requires_grad_(true);
        var logProbabilities = nn.functional.log_softmax(Extend(x, Scale(x)).mm(weight), 1);
        var loss = -(logProbabilities * targets).sum() + 0.5 * weight.square().sum();
        (loss / rows).backward();
        Assert.InRange(weight.grad!.abs().max().item<double>(), 0, 2e-4);
    }

    [Fact]
    public void Values_get_the_closed_form_of_ridge_regression()
    {
        var x = randn(40, 5, generator: _generator);
        var y = x.mm(randn(5, 1, generator: _generator)) + randn(40, 1, generator: _generator);
        using var probe = LinearProbe.Fit(x, y, regression: true);
        var extended = Extend(x, Scale(x));
        var closed = linalg.solve(extended.t().mm(extended) + eye(6, dtype: ScalarType.Float64), extended.t().mm(y.to(ScalarType.Float64)));
        TensorAssert.Close(extended.mm(closed), probe.Predict(x), 1e-4);
    }

    [Fact]
    public void The_scale_of_the_embeddings_does_not_matter()
    {
        var x = randn(40, 5, generator: _generator);
        var targets = nn.functional.one_hot((arange(40) % 2), 2).to(ScalarType.Float32);
        using LinearProbe small = LinearProbe.Fit(x * 1e-3, targets, regression: false), large = LinearProbe.Fit(x * 1e3, targets, regression: false);
        TensorAssert.Close(small.Predict(x * 1e-3), large.Predict(x * 1e3), 1e-3);
    }

    [Fact]
    public void More_dimensions_than_rows_are_no_obstacle()
    {
        var x = randn(6, 100, generator: _generator);
        var targets = nn.functional.one_hot(arange(6) % 2, 2).to(ScalarType.Float32);
        using var probe = LinearProbe.Fit(x, targets, regression: false);
        Assert.True(probe.Predict(x).argmax(1).eq(arange(6) % 2).all().item<bool>());
    }

    public void Dispose()
    {
        _generator.Dispose();
        _scope.Dispose();
    }

    private static double Scale(Tensor x) => Math.Sqrt(SquaredLength / x.square().sum(1).mean().item<float>());

    private static Tensor Extend(Tensor x, double scale) => cat([x * scale, ones(x.size(0), 1)], 1).to(ScalarType.Float64);

    /// <summary>The solution `[D + 1, C]` with the bias last, found by asking for predictions.</summary>
    private static Tensor Weight(LinearProbe probe, int width, double scale)
    {
        var bias = probe.Predict(zeros(1, width));
        return cat([(probe.Predict(eye(width)) - bias) / scale, bias], 0).to(ScalarType.Float64);
    }
}
