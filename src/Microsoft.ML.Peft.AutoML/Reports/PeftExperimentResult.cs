using System.Globalization;
using Microsoft.ML.Peft.AutoML.Reports;
using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>What a search has found.</summary>
public sealed class PeftExperimentResult
{
    private readonly Metric _metric;

    internal PeftExperimentResult(PeftSearchDescription search, IReadOnlyList<PeftTrialResult> trials, TimeSpan duration)
    {
        (Search, Trials, Duration) = (search, trials, duration);
        _metric = new Metric(search.MetricName, search.LowerIsBetter);
        // Of two equally good trials with the same loss the one with the lower number counts, whichever was faster.
        var judged = trials.Where(trial => trial.RungResults.Count > 0).OrderByDescending(trial => _metric.Score(trial.Metric)).ThenBy(trial => Metric.Loss(trial.Metrics)).ToList();
        Best = judged.Find(trial => !trial.IsBaseline);
        Baseline = judged.Find(trial => trial.IsBaseline);
    }

    /// <summary>What was searched, and how.</summary>
    public PeftSearchDescription Search { get; }

    /// <summary>The name of the metric that was optimised.</summary>
    public string MetricName => Search.MetricName;

    /// <summary>Whether a smaller metric is a better one.</summary>
    public bool LowerIsBetter => Search.LowerIsBetter;

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

    /// <summary>How much the searched options mattered.</summary>
    /// <param name="method">A searched method's name, to compare its trials alone and all of its options. Null: all trials.</param>
    /// <exception cref="ArgumentException">No method of that name was searched.</exception>
    public PeftOptionImportance OptionImportance(string? method = null)
    {
        return method is null || Search.Methods.Any(searched => searched.Method == method)
            ? Importance.Of(this, method)
            : throw new ArgumentException($"'{method}' was not searched; the methods are {string.Join(", ", Search.Methods.Select(searched => searched.Method))}.", nameof(method));
    }

    /// <summary>
    /// Saves the trials as a table of comma-separated values (RFC 4180, UTF-8, a header line): a row for each trial, a column for each metric and
    /// each option that any trial has. Numbers read back to the same bits; what a trial does not have is empty. ML.NET's text loader reads it with
    /// `AllowQuoting`, `ReadMultilines` (an error's message may have several lines) and `MissingRealsAsNaNs`.
    /// </summary>
    /// <param name="path">The file, which is replaced as a whole; its directory must exist.</param>
    /// <exception cref="IOException">The disk is full, or the directory is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">The file is not writable.</exception>
    public void SaveCsv(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        TrialsCsv.Write(path, Trials);
    }

    /// <summary>Saves the page that <see cref="PeftReportMonitor"/> writes during a search.</summary>
    /// <param name="path">The HTML file, which is replaced as a whole; its directory must exist.</param>
    /// <exception cref="IOException">The disk is full, or the directory is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">The file is not writable.</exception>
    public void SaveReport(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ReportPage.Write(path, ReportData.Of(this, ReportState.Saved, null, TimeProvider.System.GetUtcNow()));
    }

    internal static double CostOf(PeftTrialResult trial, PeftCost cost) => CostOf(cost, trial.AdapterBytes, trial.MillisecondsPerText);

    internal static double CostOf(PeftCost cost, long adapterBytes, double millisecondsPerText) => cost switch
    {
        PeftCost.AdapterKilobytes => adapterBytes / 1000.0,
        PeftCost.MillisecondsPerText => millisecondsPerText,
        _ => throw new ArgumentOutOfRangeException(nameof(cost), $"{cost} is no cost; use {string.Join(" or ", Enum.GetNames<PeftCost>())}."),
    };
}
