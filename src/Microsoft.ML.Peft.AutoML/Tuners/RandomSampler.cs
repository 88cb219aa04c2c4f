using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>Random search (Bergstra and Bengio 2012): each method's defaults first, then uniform draws on each option's scale.</summary>
internal sealed class RandomSampler(IReadOnlyList<MethodSpace> spaces, int seed) : ISampler
{
    private const int Attempts = 200;

    public string Description => "random";

    public Configuration? Propose(SearchHistory history)
    {
        int number = history.Trials.Count;
        return Defaults(history) ?? Untried(history, new Random(StableHash.Seed(seed, "random", number)), random => Draw(spaces[random.Next(spaces.Count)], random));
    }

    /// <summary>The next method's defaults, until all methods have been tried with theirs.</summary>
    public Configuration? Defaults(SearchHistory history)
        => history.Trials.Count < spaces.Count ? spaces[history.Trials.Count].Default : null;

    public static Configuration Draw(MethodSpace space, Random random) => new(space, [.. space.Dimensions.Select(dimension => dimension.At(random.NextDouble()))]);

    /// <summary>Draws until a configuration is new; null if a space seems used up.</summary>
    public static Configuration? Untried(SearchHistory history, Random random, Func<Random, Configuration> draw)
    {
        for (int i = 0; i < Attempts; i++)
        {
            var configuration = draw(random);
            if (!history.WasTried(configuration))
                return configuration;
        }
        return null;
    }
}
