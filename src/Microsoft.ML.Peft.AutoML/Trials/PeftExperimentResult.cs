using System.Globalization;
using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>What a search has found.</summary>
public sealed class PeftExperimentResult
{
    private readonly Metric _metric;

    internal PeftExperimentResult(Metric metric, IReadOnlyList<PeftTrialResult> trials, PeftTrialResult? best, PeftTrialResult? baseline, TimeSpan duration)
        => (_metric, Trials, Best, Baseline, Duration) = (metric, trials, best, baseline, duration);

    /// <summary>The name of the metric that was optimised.</summary>
    public string MetricName => _metric.Name;

    /// <summary>Whether a smaller metric is a better one.</summary>
    public bool LowerIsBetter => _metric.LowerIsBetter;

    /// <summary>All trials by their numbers, the baselines first.</summary>
    public IReadOnlyList<PeftTrialResult> Trials { get; }

    /// <summary>The best soft prompt, whether or not it beats the baseline; null if none has a result yet.</summary>
    public PeftTrialResult? Best { get; }

    /// <summary>The best baseline: the linear probe on frozen embeddings or, for generation, the frozen model itself. Null if it failed.</summary>
    public PeftTrialResult? Baseline { get; }

    /// <summary>By how much the best soft prompt beats the baseline; negative if it does not, null if one of them is missing.</summary>
    public double? ImprovementOverBaseline => Best is null || Baseline is null ? null : _metric.Score(Best.Metric) - _metric.Score(Baseline.Metric);

    /// <summary>Whether the best soft prompt beats the baseline.</summary>
    public bool BeatsBaseline => ImprovementOverBaseline > 0;

    /// <summary>The time that the search has taken, interruptions left out.</summary>
    public TimeSpan Duration { get; }

    /// <summary>The outcome in one sentence, which says plainly if no soft prompt beats the baseline.</summary>
    public string Summary
    {
        get
        {
            if (Best is null)
                return "No soft prompt has a result.";
            string best = string.Create(CultureInfo.InvariantCulture, $"{MetricName} {Best.Metric:0.0000} (trial {Best.TrialId}, {Best.Method})");
            if (Baseline is null)
                return $"The best soft prompt reaches {best}; there is no baseline to compare it with.";
            string baseline = string.Create(CultureInfo.InvariantCulture, $"the {Baseline.Method}'s {Baseline.Metric:0.0000}");
            return BeatsBaseline
                ? $"The best soft prompt reaches {best} and beats {baseline}."
                : $"No soft prompt beats {baseline}: the best reaches {best}.";
        }
    }

    /// <summary>The trials than which no other has both a metric as good and a cost as low, cheapest first.</summary>
    /// <param name="cost">The cost.</param>
    public IReadOnlyList<PeftTrialResult> ParetoFront(PeftCost cost)
    {
        var candidates = Trials.Where(trial => !trial.IsBaseline && trial.AdapterPath is not null)
            .Select(trial => (Trial: trial, Objective: new Objective(_metric.Score(trial.Metric), CostOf(trial, cost)))).ToList();
        return [.. candidates.Where(c => !candidates.Exists(other => other.Objective.Dominates(c.Objective))).OrderBy(c => c.Objective.Cost).Select(c => c.Trial)];
    }

    internal static double CostOf(PeftTrialResult trial, PeftCost cost) => CostOf(cost, trial.AdapterBytes, trial.MillisecondsPerText);

    internal static double CostOf(PeftCost cost, long adapterBytes, double millisecondsPerText) => cost switch
    {
        PeftCost.AdapterKilobytes => adapterBytes / 1000.0,
        PeftCost.MillisecondsPerText => millisecondsPerText,
        _ => throw new ArgumentOutOfRangeException(nameof(cost), $"{cost} is no cost; use {string.Join(" or ", Enum.GetNames<PeftCost>())}."),
    };
}
