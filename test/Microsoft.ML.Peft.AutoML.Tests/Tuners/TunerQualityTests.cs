using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests.Tuners;

/// <summary>
/// Every tuner that learns must end closer to the known optimum than random search does with the same number of epochs, by a margin that
/// the same tuner misses by far when it is told the opposite of every score.
/// </summary>
public sealed class TunerQualityTests
{
    private const int Seeds = 40;

    [Theory]
    [InlineData("TPE", 450, 0.45)]
    [InlineData("ASHA", 450, 0.6)]
    [InlineData("BOHB", 900, 0.5)]
    public void A_tuner_beats_random_search_in_one_methods_space(string tuner, int epochs, double margin) => AssertBeatsRandom(tuner, Landscapes.One, epochs, margin);

    [Theory]
    [InlineData("TPE", 450, 0.8)]
    [InlineData("ASHA", 450, 0.6)]
    [InlineData("BOHB", 450, 0.65)]
    public void A_tuner_beats_random_search_in_a_conditional_space(string tuner, int epochs, double margin) => AssertBeatsRandom(tuner, Landscapes.Three, epochs, margin);

    [Fact]
    public void What_BOHB_learns_puts_it_before_ASHA()
        => Assert.True(Regret("BOHB", Landscapes.One, 900) < 0.8 * Regret("ASHA", Landscapes.One, 900));

    private static void AssertBeatsRandom(string tuner, IReadOnlyList<MethodSpace> spaces, int epochs, double margin)
    {
        double random = Regret("random", spaces, epochs), own = Regret(tuner, spaces, epochs), misled = Regret(tuner, spaces, epochs, score => -score);
        Assert.True(own < margin * random, $"{tuner} ends {own:0.000} below the optimum, random search {random:0.000}.");
        Assert.True(misled > 1.3 * margin * random, $"{tuner} ends {misled:0.000} below the optimum even if it is misled, random search {random:0.000}: the margin shows nothing.");
    }

    private static double Regret(string tuner, IReadOnlyList<MethodSpace> spaces, int epochs, Func<double, double>? isTold = null)
        => Simulation.Regret(Seeds, seed => SyntheticSearch.Tuner(tuner, seed, spaces: spaces), epochs, isTold);
}
