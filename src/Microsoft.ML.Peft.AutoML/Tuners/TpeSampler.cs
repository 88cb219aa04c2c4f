using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>
/// The tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization"). The method is drawn by how
/// many of the good trials are its own; then, of configurations drawn from the density of the method's good trials, the one is proposed
/// whose density among those, compared with that among its other trials, is highest.
/// </summary>
/// <remarks>
/// In the paper good and bad are the same for all methods. A method that is easily tuned would then keep out a better one that needs more
/// tuning, which therefore has good trials of its own here, and is never given up.
/// </remarks>
internal sealed class TpeSampler : ISampler
{
    private const int Candidates = 32;
    private const int FewestTrials = 10;
    private const int FewestOfMethod = 8;
    private const double GoodFraction = 0.2;
    private const double EvenFraction = 0.25;

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
        var rungs = Rungs(history);
        if (Judged(rungs, FewestTrials, _ => true) is not { } all || random.NextDouble() < _randomFraction)
            return _random.Propose(history);
        return RandomSampler.Untried(history, random, r => Draw(Method(all, r), rungs, history, r)) ?? _random.Propose(history);
    }

    /// <summary>The judged trials of each rung, the highest rung first, best first.</summary>
    private static List<IReadOnlyList<Trial>> Rungs(SearchHistory history)
    {
        int rungs = history.Trials.Max(trial => trial.Reports.Count);
        return [.. Enumerable.Range(0, rungs).Reverse().Select(rung => Objective.Order(history.At(rung), trial => trial.Reports[rung]))];
    }

    /// <summary>Trials of one rung, best first: the highest that has seen enough of them tells most (Falkner et al. 2018). Null if none has.</summary>
    private static List<Trial>? Judged(IEnumerable<IReadOnlyList<Trial>> rungs, int fewest, Func<Trial, bool> which)
        => rungs.Select(trials => trials.Where(which).ToList()).FirstOrDefault(trials => trials.Count >= fewest);

    private MethodSpace Method(List<Trial> judged, Random random)
    {
        if (random.NextDouble() < EvenFraction)
            return _spaces[random.Next(_spaces.Count)];
        var good = Good(judged);
        return good[random.Next(good.Count)].Configuration.Space;
    }

    private static Configuration Draw(MethodSpace space, List<IReadOnlyList<Trial>> rungs, SearchHistory history, Random random)
    {
        bool IsOwn(Trial trial) => trial.Configuration.Space.Method == space.Method;
        if (Judged(rungs, FewestOfMethod, IsOwn) is not { } own)
            return RandomSampler.Draw(space, random);
        var good = Good(own);
        // A running trial counts as no good one, so that the next proposal is not the same again.
        var running = history.Trials.Where(trial => trial.IsRunning && trial.Reports.Count == 0 && IsOwn(trial));
        MethodDensity likely = Density(space, good), unlikely = Density(space, own.Skip(good.Count).Concat(running));
        return Enumerable.Range(0, Candidates).Select(_ => likely.Sample(random)).MaxBy(candidate => likely.Log(candidate) - unlikely.Log(candidate))!;
    }

    private static List<Trial> Good(IReadOnlyList<Trial> ordered) => [.. ordered.Take((int)Math.Ceiling(GoodFraction * ordered.Count))];

    private static MethodDensity Density(MethodSpace space, IEnumerable<Trial> trials) => new(space, [.. trials.Select(trial => trial.Configuration)]);
}
