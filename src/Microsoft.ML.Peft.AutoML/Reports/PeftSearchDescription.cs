namespace Microsoft.ML.Peft.AutoML;

/// <summary>What a search does, and within which budget.</summary>
public sealed record PeftSearchDescription
{
    internal PeftSearchDescription() { }

    /// <summary>The metric that is optimised.</summary>
    public required string MetricName { get; init; }

    /// <summary>Whether a smaller metric is a better one.</summary>
    public required bool LowerIsBetter { get; init; }

    /// <summary>The training's own metric, which <see cref="PeftEpoch.Metric"/> holds: `Accuracy`, `RSquared` or `Loss`.</summary>
    public required string CurveMetricName { get; init; }

    /// <summary>What is searched.</summary>
    public required IReadOnlyList<PeftSearchedMethod> Methods { get; init; }

    /// <summary>The tuner and its settings in words.</summary>
    public required string Tuner { get; init; }

    /// <summary>The epochs after which a trial is judged, ascending; the last is a full training.</summary>
    public required IReadOnlyList<int> Rungs { get; init; }

    /// <summary>The most trials to start, baselines left out; null for no limit.</summary>
    public required int? MaxTrials { get; init; }

    /// <summary>The most time; null for no limit.</summary>
    public required TimeSpan? MaxTime { get; init; }

    /// <summary>The most trials at a time.</summary>
    public required int MaxConcurrentTrials { get; init; }

    /// <summary>Where the log and the trials' files lie.</summary>
    public required string Directory { get; init; }
}
