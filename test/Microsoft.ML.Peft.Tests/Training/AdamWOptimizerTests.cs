using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class AdamWOptimizerTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    public void Steps_are_those_of_libtorchs_optimiser(double weightDecay)
    {
        var (ours, theirs) = (Parameters(), Parameters());
        using var optimizer = new AdamWOptimizer([Group(ours[0], 0.03), Group(ours[1], 0.01)], weightDecay, double.PositiveInfinity);
        using var reference = optim.AdamW(
            [new AdamW.ParamGroup([theirs[0]], lr: 0.03, weight_decay: weightDecay), new AdamW.ParamGroup([theirs[1]], lr: 0.01, weight_decay: weightDecay)]);
        for (int step = 0; step < 20; step++)
        {
            Loss(ours).backward();
            optimizer.Step(1);
            reference.zero_grad();
            Loss(theirs).backward();
            reference.step();
        }
        Assert.Equal(20, optimizer.Steps);
        AssertSame(theirs, ours, 1e-6);
    }

    [Theory]
    [InlineData(0.01)]   // far below the gradient's norm
    [InlineData(1000)]   // never reached
    public void The_gradients_of_all_groups_are_clipped_together(double norm)
    {
        var (ours, theirs) = (Parameters(), Parameters());
        using var optimizer = new AdamWOptimizer([Group(ours[0], 0.03), Group(ours[1], 0.03)], 0, norm);
        using var reference = optim.AdamW(theirs, lr: 0.03);
        for (int step = 0; step < 5; step++)
        {
            Loss(ours).backward();
            optimizer.Step(1);
            reference.zero_grad();
            Loss(theirs).backward();
            nn.utils.clip_grad_norm_(theirs, norm);
            reference.step();
        }
        AssertSame(theirs, ours, 1e-6);
    }

    [Fact]
    public void The_first_step_has_the_size_of_the_learning_rate_and_the_schedules_factor_scales_it()
    {
        var parameters = Parameters();
        Tensor[] before = [.. parameters.Select(parameter => parameter.detach().clone())];
        using var optimizer = new AdamWOptimizer([Group(parameters[0], 0.1), Group(parameters[1], 0.01)], 0, double.PositiveInfinity);
        parameters.Aggregate(zeros(1), (sum, parameter) => sum + parameter.sum()).sum().backward();
        optimizer.Step(0.5);
        TensorAssert.Close(before[0] - 0.05, parameters[0].detach(), 1e-6);
        TensorAssert.Close(before[1] - 0.005, parameters[1].detach(), 1e-6);
    }

    [Fact]
    public void Weight_decay_pulls_to_zero_where_there_is_no_gradient()
    {
        var parameters = Parameters();
        var before = parameters[0].detach().clone();
        using var optimizer = new AdamWOptimizer([Group(parameters[0], 0.1)], 0.5, double.PositiveInfinity);
        (parameters[0] * 0).sum().backward();
        optimizer.Step(1);
        TensorAssert.Close(before * 0.95, parameters[0].detach(), 1e-6);
    }

    [Fact]
    public void Gradients_add_up_until_the_step_and_are_zero_after_it()
    {
        var parameters = Parameters();
        using var optimizer = new AdamWOptimizer([Group(parameters[0], 0.1)], 0, double.PositiveInfinity);
        parameters[0].sum().backward();
        parameters[0].sum().backward();
        Assert.Equal(2, parameters[0].grad!.max().item<float>());
        optimizer.Step(1);
        Assert.Equal(0, parameters[0].grad!.abs().max().item<float>());
    }

    public void Dispose() => _scope.Dispose();

    private static Parameter[] Parameters()
    {
        using var generator = new Generator(1, CPU);
        return [new Parameter(randn(3, 4, generator: generator)), new Parameter(randn(5, generator: generator))];
    }

    private static ParameterGroup Group(Parameter parameter, double rate) =>
        new("group", new Dictionary<string, Parameter> { ["value"] = parameter }, rate, "LearningRate");

    /// <summary>Not convex, so that a wrong step leads elsewhere.</summary>
    private static Tensor Loss(Parameter[] parameters) => parameters[0].sin().sum() * 3 + (parameters[1].cos() * parameters[0].pow(2).mean()).sum();

    private static void AssertSame(Parameter[] expected, Parameter[] actual, double tolerance)
    {
        foreach (var (theirs, ours) in expected.Zip(actual))
            TensorAssert.Close(theirs.detach(), ours.detach(), tolerance);
    }
}
