using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>
/// The tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization"): of configurations drawn
/// from the density of the good trials it proposes the one whose density among the good, compared with that among the others, is highest.
/// </summary>
internal sealed class TpeSampler : ISampler
{
    private const int Candidates = 32;
    private const int FewestTrials = 10;
    private const double GoodFraction = 0.2;

    private readonly IReadOnlyList<MethodSpace> _spaces;
    private readonly RandomSampler _random;
    private readonly int _seed;
    private readonly double _randomFraction;

    /// <param name="spaces">What is searched.</param>
    /// <param name="seed">The search's seed.</param>
    /// <param name="randomFraction">How many proposals are drawn at random all the same, 0 to 1; a third in Falkner et al. 2018.</param>
    public TpeSampler(IReadOnlyList<MethodSpace> spaces, int seed, double randomFraction = 0)
        => (_spaces, _seed, _randomFraction, _random) = (spaces, seed, randomFraction, new RandomSampler(spaces, seed));

    public string Description => FormattableString.Invariant($"tree-structured Parzen estimator, {_randomFraction:0.###} random");

    public Configuration? Propose(SearchHistory history)
    {
        if (_random.Defaults(history) is { } first)
            return first;
        var random = new Random(StableHash.Seed(_seed, "TPE", history.Trials.Count));
        // The highest rung that has seen enough trials tells most (Falkner et al. 2018).
        var rung = Rungs(history).FirstOrDefault(trials => trials.Count >= FewestTrials);
        if (rung is null || random.NextDouble() < _randomFraction)
            return _random.Propose(history);
        var (good, others) = Split(rung, history);
        return RandomSampler.Untried(history, random, r => Best(good, others, r));
    }

    /// <summary>The judged trials of each rung, the highest rung first, best first.</summary>
    private static IEnumerable<IReadOnlyList<Trial>> Rungs(SearchHistory history)
    {
        int rungs = history.Trials.Max(trial => trial.Reports.Count);
        return Enumerable.Range(0, rungs).Reverse().Select(rung => Objective.Order(history.At(rung), trial => trial.Reports[rung]));
    }

    private (TreeDensity Good, TreeDensity Others) Split(IReadOnlyList<Trial> ordered, SearchHistory history)
    {
        int count = (int)Math.Ceiling(GoodFraction * ordered.Count);
        var good = ordered.Take(count).Where(trial => !trial.HasFailed);
        // A running trial counts as no good one, so that the next proposal is not the same again.
        var others = ordered.Skip(count).Concat(history.Trials.Where(trial => trial.IsRunning && trial.Reports.Count == 0));
        return (Density(good), Density(others));
    }

    private TreeDensity Density(IEnumerable<Trial> trials) => new(_spaces, [.. trials.Select(trial => trial.Configuration)]);

    private static Configuration Best(TreeDensity good, TreeDensity others, Random random)
        => Enumerable.Range(0, Candidates).Select(_ => good.Sample(random)).MaxBy(candidate => good.Log(candidate) - others.Log(candidate))!;
}
