namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>What a search optimises: a name among a trial's metrics, and which way is better.</summary>
internal sealed record Metric(string Name, bool LowerIsBetter = false)
{
    /// <summary>The metric as a score of which more is better.</summary>
    public double Score(double value) => LowerIsBetter ? -value : value;

    /// <summary>
    /// What decides between equal scores, of which less is better: few validation rows give few different accuracies, but each its own loss.
    /// 0 where there is none.
    /// </summary>
    public static double Loss(IReadOnlyDictionary<string, double> metrics)
        => metrics.GetValueOrDefault(ClassificationMetrics.LogLoss, metrics.GetValueOrDefault(GenerationTrialTask.Loss));
}
