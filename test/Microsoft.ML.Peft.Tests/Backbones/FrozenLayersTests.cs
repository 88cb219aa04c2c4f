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
}
