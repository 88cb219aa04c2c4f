using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class FrozenLayersTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void A_few_rows_are_normalised_as_many_are(int rows)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        Tensor x = randn(rows, 3, 48, generator: generator), gain = randn(48, generator: generator);
        var norm = new FrozenRmsNorm(gain, 1e-5);
        var expected = norm.Forward(x);     // with gradients: by libtorch
        using var frozen = no_grad();
        TensorAssert.Close(expected, norm.Forward(x), 1e-6);
        TensorAssert.Close(expected.narrow(1, 1, 2), norm.Forward(x.narrow(1, 1, 2)), 1e-6);
    }

    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(100)]
    public void Any_number_of_rows_in_bfloat16_is_multiplied_and_has_its_gradient(int rows)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        Tensor x = randn(rows, 48, generator: generator).to(ScalarType.BFloat16).requires_grad_(true);
        Tensor weight = randn(24, 48, generator: generator).to(ScalarType.BFloat16), bias = randn(24, generator: generator).to(ScalarType.BFloat16);
        Tensor wide = x.detach().to(ScalarType.Float32).requires_grad_(true);
        var product = new FrozenLinear(weight, bias).Forward(x);
        var expected = nn.functional.linear(wide, weight.to(ScalarType.Float32), bias.to(ScalarType.Float32));
        product.to(ScalarType.Float32).square().sum().backward();
        expected.square().sum().backward();
        Assert.Equal([rows, 24], product.shape);
        // bfloat16 keeps eight bits.
        TensorAssert.Close(expected, product.to(ScalarType.Float32), 0.15);
        Assert.InRange((wide.grad! - x.grad!.to(ScalarType.Float32)).norm().item<float>() / wide.grad!.norm().item<float>(), 0, 0.02);
    }
}
