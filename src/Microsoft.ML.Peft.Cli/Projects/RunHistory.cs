using System.Globalization;
using Microsoft.ML.Peft.AutoML;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>What was trained, and how good it was.</summary>
/// <param name="MetricName">The metric.</param>
/// <param name="LowerIsBetter">Whether a smaller one is better.</param>
/// <param name="Winner">The trial whose model it is.</param>
/// <param name="Summary">The outcome in a sentence.</param>
/// <param name="Trials">All trials.</param>
internal sealed record RunHistory(string MetricName, bool LowerIsBetter, int Winner, string Summary, IReadOnlyList<RunTrial> Trials)
{
    private static readonly Dictionary<string, object?> None = [];

    /// <summary>A search.</summary>
    public static RunHistory Of(PeftExperimentResult result) => new(result.MetricName, result.LowerIsBetter, result.Best!.TrialId, result.Summary, [.. result.Trials.Select(trial => new RunTrial(
        trial.TrialId, trial.Method, trial.IsBaseline, double.IsNaN(trial.Metric) ? null : trial.Metric, trial.Epochs, trial.Duration.TotalSeconds,
        trial.Parameters.ToDictionary(option => option.Key, option => option.Value is Enum value ? value.ToString() : option.Value), trial.Failure?.Message))]);

    /// <summary>A single training; null where nothing was held out to judge it by.</summary>
    public static RunHistory? Of(TrainingHistory history, string method)
    {
        if (history.ValidationMetric is not { } metric)
            return null;
        double? baseline = history.ProbeValidationMetric ?? history.BaseValidationLoss;
        string frozen = history.BaseValidationLoss is null ? "linear probe" : "frozen model";
        string summary = string.Create(CultureInfo.InvariantCulture, $"{history.MetricName} {metric:0.0000} on rows held out of training{(baseline is null ? "" : $"; a {frozen}'s is {baseline:0.0000}")}.");
        var trained = new RunTrial(1, method, false, metric, history.Epochs.Count, history.Epochs.Sum(epoch => epoch.Seconds), None);
        return new RunHistory(history.MetricName, history.BaseValidationLoss is not null, trained.Id, summary, baseline is null ? [trained] : [new RunTrial(0, frozen, true, baseline, 0, 0, None), trained]);
    }
}

/// <summary>One training.</summary>
/// <param name="Id">Its number.</param>
/// <param name="TrainerName">The method, or the baseline.</param>
/// <param name="IsBaseline">Whether it is what the frozen model achieves alone.</param>
/// <param name="Score">Its metric; null without one.</param>
/// <param name="Epochs">The epochs that it was trained.</param>
/// <param name="RuntimeInSeconds">The time that it was trained.</param>
/// <param name="Parameters">The searched options.</param>
/// <param name="Failure">Why it failed; null if it did not.</param>
internal sealed record RunTrial(
    int Id, string TrainerName, bool IsBaseline, double? Score, int Epochs, double RuntimeInSeconds, IReadOnlyDictionary<string, object?> Parameters, string? Failure = null);
