using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.Tests;

public sealed class ProbabilitiesTests
{
    [Fact]
    public void Probabilities_are_proportional_to_the_exponentials() =>
        Assert.Equal([0.5f, 0.25f, 0.25f], Softmax([MathF.Log(2), 0, 0]), (a, b) => Math.Abs(a - b) < 1e-6);

    [Theory]
    [InlineData(400)]
    [InlineData(-400)]
    [InlineData(1e30f)]
    public void Only_differences_count_however_large_the_logits_are(float shift) =>
        Assert.Equal([0.5f, 0.5f, 0], Softmax([shift, shift, shift - Math.Abs(shift)]), (a, b) => Math.Abs(a - b) < 1e-6);

    [Fact]
    public void An_impossible_class_has_probability_0() =>
        Assert.Equal([1, 0], Softmax([3, float.NegativeInfinity]));

    private static float[] Softmax(float[] logits)
    {
        Probabilities.Softmax(logits, logits);
        return logits;
    }
}
