using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML.Tests.Tuners;

public sealed class DensityTests
{
    private static readonly NumericDimension Unit = new("x", 0, 1, log: false, integer: false, 0.5);

    [Theory]
    [InlineData(new double[] { })]
    [InlineData(new[] { 0.2 })]
    [InlineData(new[] { 0.0, 1.0, 0.3, 0.31, 0.32 })]
    public void A_density_has_the_mass_one(double[] observations)
    {
        var density = new NumericDensity(Unit, observations.Cast<object?>());
        double mass = Enumerable.Range(0, 10_000).Average(i => Math.Exp(density.Log((i + 0.5) / 10_000))) / Math.Sqrt(2 * Math.PI);
        Assert.Equal(1, mass, 1e-4);
    }

    [Fact]
    public void Draws_follow_the_density()
    {
        var density = new NumericDensity(Unit, new object?[] { 0.2, 0.22, 0.24, 0.9 });
        var random = new Random(1);
        var counts = new double[10];
        for (int i = 0; i < 100_000; i++)
            counts[(int)((double)density.Sample(random)! * 10)]++;
        for (int bin = 0; bin < 10; bin++)
        {
            double expected = Enumerable.Range(0, 1000).Average(i => Math.Exp(density.Log((bin + (i + 0.5) / 1000) / 10))) / Math.Sqrt(2 * Math.PI) / 10;
            Assert.Equal(expected, counts[bin] / 100_000, 0.005);
        }
    }

    [Fact]
    public void A_density_is_highest_where_most_was_observed()
    {
        var density = new NumericDensity(Unit, new object?[] { 0.2, 0.22, 0.24, 0.9 });
        Assert.Equal(0.22, Enumerable.Range(0, 100).Select(i => i / 100.0).MaxBy(x => density.Log(x)), 0.011);
    }

    [Fact]
    public void Choices_never_seen_stay_possible()
    {
        var density = new ChoiceDensity(new ChoiceDimension("c", ["a", "b"], null), ["a", "a", "a"]);
        Assert.Equal([3.5 / 4, 0.5 / 4], new[] { "a", "b" }.Select(c => Math.Exp(density.Log(c))).Select(p => Math.Round(p, 12)));
    }
}
