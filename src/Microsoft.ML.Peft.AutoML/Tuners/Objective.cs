namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>
/// How good a trial is: a score of which more is better, a loss of which less is better to tell equal scores apart and, where a search weighs
/// it, a cost of which less is better.
/// </summary>
internal readonly record struct Objective(double Score, double Cost = 0, double Loss = 0)
{
    /// <summary>A trial that gave nothing.</summary>
    public static Objective Worst { get; } = new(double.NegativeInfinity, double.PositiveInfinity, double.PositiveInfinity);

    /// <summary>At least as good in both, and better in one.</summary>
    public bool Dominates(Objective other) => Score >= other.Score && Cost <= other.Cost && (Score > other.Score || Cost < other.Cost);

    /// <summary>
    /// Best first: by Pareto fronts (Deb et al. 2002, non-dominated sorting), within a front by score, then by loss. Without costs that is the order of
    /// the scores. Equals keep their order.
    /// </summary>
    public static IReadOnlyList<T> Order<T>(IReadOnlyList<T> items, Func<T, Objective> objective)
    {
        var objectives = items.Select(objective).ToArray();
        if (objectives.All(o => o.Cost == objectives[0].Cost || o == Worst))
            return [.. Ordered(items, objective)];
        var ordered = new List<T>(items.Count);
        var left = Enumerable.Range(0, items.Count).ToList();
        while (left.Count > 0)
        {
            var front = left.Where(i => !left.Exists(j => objectives[j].Dominates(objectives[i]))).ToList();
            ordered.AddRange(Ordered(front, i => objectives[i]).Select(i => items[i]));
            left = [.. left.Except(front)];
        }
        return ordered;
    }

    private static IEnumerable<T> Ordered<T>(IEnumerable<T> items, Func<T, Objective> objective)
        => items.OrderByDescending(item => objective(item).Score).ThenBy(item => objective(item).Loss);
}
