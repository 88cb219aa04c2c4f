using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Support;

internal static class TensorAssert
{
    /// <summary>Same shape, and no element differs by more than <paramref name="tolerance"/>; 0 asks for equal numbers.</summary>
    public static void Close(Tensor expected, Tensor actual, double tolerance)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(expected.shape, actual.shape);
        double difference = (expected.to(ScalarType.Float64) - actual.to(ScalarType.Float64)).abs().max().item<double>();
        Assert.True(difference <= tolerance, $"The tensors differ by {difference:e2}, more than {tolerance:e2}.");
    }

    public static void Equal(Tensor expected, Tensor actual) => Close(expected, actual, 0);

    public static void Differ(Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        Assert.True(expected.ne(actual).any().item<bool>(), "The tensors are equal.");
    }
}
