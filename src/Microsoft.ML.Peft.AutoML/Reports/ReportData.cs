namespace Microsoft.ML.Peft.AutoML.Reports;

/// <summary>What the HTML report's page draws; serialised into it.</summary>
internal sealed record ReportData(
    ReportState State, string Summary, string? Error, DateTimeOffset Written, double Elapsed, string Metric, bool LowerIsBetter, string CurveMetric, string Tuner,
    IReadOnlyList<int> Rungs, int? MaxTrials, double? MaxSeconds, IReadOnlyList<ReportMethod> Methods, IReadOnlyList<ReportTrial> Trials, int? Best, int? Baseline,
    ReportFronts Fronts, IReadOnlyList<PeftOptionImportance> Importance, int ImportanceMinTrials)
{
    public static ReportData Of(PeftExperimentResult result, ReportState state, string? error, DateTimeOffset written) => new(
        state, result.Summary, error, written, result.Duration.TotalSeconds, result.MetricName, result.LowerIsBetter, result.Search.CurveMetricName, result.Search.Tuner,
        result.Search.Rungs, result.Search.MaxTrials, result.Search.MaxTime?.TotalSeconds, [.. result.Search.Methods.Select(Method)], [.. result.Trials.Select(Trial)],
        result.Best?.TrialId, result.Baseline?.TrialId, new ReportFronts(Front(result, PeftCost.AdapterKilobytes), Front(result, PeftCost.MillisecondsPerText)),
        [result.OptionImportance(), .. result.Search.Methods.Count > 1 ? result.Search.Methods.Select(method => result.OptionImportance(method.Method)) : []],
        PeftOptionImportance.MinTrials);

    private static ReportMethod Method(PeftSearchedMethod method)
        => new(method.Method, [.. method.Options.Select(option => new ReportOption(option.Name, option.Min, option.Max, option.IsLog, [.. option.Values.Select(OptionText.Of)]))]);

    private static ReportTrial Trial(PeftTrialResult trial) => new(
        trial.TrialId, trial.Method, trial.IsBaseline, trial.Status.ToString().ToLowerInvariant(), trial.Failure?.Reason.ToString(), trial.Failure?.Message,
        trial.Rung, trial.Epochs, Finite(trial.Metric), trial.Duration.TotalSeconds,
        PeftExperimentResult.CostOf(trial, PeftCost.AdapterKilobytes), PeftExperimentResult.CostOf(trial, PeftCost.MillisecondsPerText),
        [.. trial.LearningCurve.Select(epoch => new ReportEpoch(epoch.Epoch, Finite(epoch.TrainingLoss), epoch.Metric is { } metric ? Finite(metric) : null))],
        [.. trial.RungResults.Select(rung => new ReportRung(rung.Rung, rung.Epochs, rung.Metric, rung.Elapsed.TotalSeconds))],
        trial.Parameters.ToDictionary(option => option.Key, object? (option) => option.Value is int or double ? option.Value : OptionText.Of(option.Value)),
        trial.Metrics.ToDictionary(metric => metric.Key, metric => Finite(metric.Value)));

    private static IReadOnlyList<int> Front(PeftExperimentResult result, PeftCost cost) => [.. result.ParetoFront(cost).Select(trial => trial.TrialId)];

    /// <summary>JSON has no other numbers.</summary>
    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}

internal enum ReportState
{
    Running,
    Finished,
    Cancelled,
    Failed,

    /// <summary>Saved from a result, which does not know.</summary>
    Saved,
}

internal sealed record ReportMethod(string Name, IReadOnlyList<ReportOption> Options);

internal sealed record ReportOption(string Name, double? Min, double? Max, bool Log, IReadOnlyList<string> Values);

internal sealed record ReportTrial(
    int Id, string Method, bool IsBaseline, string Status, string? Reason, string? Message, int Rung, int Epochs, double? Metric, double Seconds, double Kilobytes, double Milliseconds,
    IReadOnlyList<ReportEpoch> Curve, IReadOnlyList<ReportRung> RungResults, IReadOnlyDictionary<string, object?> Options, IReadOnlyDictionary<string, double?> Metrics);

internal sealed record ReportEpoch(int Epoch, double? Loss, double? Metric);

internal sealed record ReportRung(int Rung, int Epochs, double Metric, double Elapsed);

internal sealed record ReportFronts(IReadOnlyList<int> Kilobytes, IReadOnlyList<int> Milliseconds);
