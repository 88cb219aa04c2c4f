using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class InitializerTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    [Fact]
    public void The_same_seed_gives_the_same_values_and_another_seed_others()
    {
        Tensor[] first = Draw(seed: 5), same = Draw(seed: 5), other = Draw(seed: 6);
        for (int i = 0; i < first.Length; i++)
        {
            TensorAssert.Equal(first[i], same[i]);
            TensorAssert.Differ(first[i], other[i]);
        }
    }

    [Fact]
    public void Negative_seeds_are_seeds_too()
    {
        TensorAssert.Equal(Draw(-3)[0], Draw(-3)[0]);
        TensorAssert.Differ(Draw(-3)[0], Draw(3)[0]);
    }

    [Fact]
    public void Uniform_fills_its_range_and_stays_within()
    {
        using var initializer = new Initializer(1, CPU);
        var values = initializer.Uniform(0.5, 100, 100);
        Assert.InRange(values.max().item<float>(), 0.49f, 0.5f);
        Assert.InRange(values.min().item<float>(), -0.5f, -0.49f);
        Assert.InRange(values.mean().item<float>(), -0.01f, 0.01f);
    }

    [Fact]
    public void Normal_has_the_given_deviation()
    {
        using var initializer = new Initializer(1, CPU);
        var values = initializer.Normal(2, 100, 100);
        Assert.InRange(values.std().item<float>(), 1.95f, 2.05f);
        Assert.InRange(values.mean().item<float>(), -0.05f, 0.05f);
    }

    [Fact]
    public void Linear_layers_start_as_PyTorch_starts_them()
    {
        using var initializer = new Initializer(1, CPU);
        var (weight, bias) = initializer.Linear(50, 16);
        Assert.Equal([50, 16], weight.shape);
        Assert.Equal([50], bias.shape);
        Assert.InRange(weight.abs().max().item<float>(), 0.24f, 0.25f);
        Assert.InRange(bias.abs().max().item<float>(), 0.2f, 0.25f);
    }

    [Fact]
    public void Samples_do_not_repeat_until_they_have_to()
    {
        using var initializer = new Initializer(1, CPU);
        int[] numbers = initializer.Sample(10, 10);
        Assert.Equal(Enumerable.Range(0, 10), numbers.Order());
        int[] more = initializer.Sample(3, 7);
        Assert.Equal([0, 1, 2], more[..3].Order());
        Assert.Equal(more[..3], more[3..6]);
    }

    public void Dispose() => _scope.Dispose();

    private static Tensor[] Draw(int seed)
    {
        using var initializer = new Initializer(seed, CPU);
        var lstm = initializer.Lstm(3, 2);
        return [initializer.Uniform(1, 20), initializer.Normal(1, 20), lstm.InputWeight, lstm.HiddenBias, tensor(initializer.Sample(1000, 20))];
    }
}
