namespace Microsoft.ML.Peft.AutoML;

/// <summary>
/// The names under which searches report to OpenTelemetry or any other listener of <see cref="System.Diagnostics.ActivitySource"/> and
/// <see cref="System.Diagnostics.Metrics.Meter"/>. Every search does so; without a listener it costs nothing.
/// </summary>
/// <remarks>
/// An experiment is an activity, and so is each stretch of a trial, from its start or promotion to the next rung or failure; trials are
/// children of their experiment, which is a child of the activity that is current when it is run. A trial that failed has the status Error
/// with the reason's message, as has an experiment that was cancelled or failed.
/// </remarks>
/// <example>
/// <code>
/// Sdk.CreateTracerProviderBuilder().AddSource(PeftTelemetry.Name).AddOtlpExporter().Build();
/// Sdk.CreateMeterProviderBuilder().AddMeter(PeftTelemetry.Name).AddOtlpExporter().Build();
/// </code>
/// </example>
public static class PeftTelemetry
{
    /// <summary>The name of the ActivitySource and of the Meter.</summary>
    public const string Name = "Microsoft.ML.Peft.AutoML";

    /// <summary>
    /// The activity of a run of an experiment. Tags: <see cref="MetricNameTag"/>, <see cref="TunerTag"/>, and <see cref="MetricTag"/> with the
    /// best soft prompt's.
    /// </summary>
    public const string ExperimentActivity = "peft.experiment";

    /// <summary>
    /// The activity of a stretch of a trial. Tags: <see cref="TrialIdTag"/>, <see cref="MethodTag"/>, <see cref="RungTag"/>,
    /// <see cref="EpochsTag"/>, and <see cref="MetricTag"/> or <see cref="FailureTag"/>.
    /// </summary>
    public const string TrialActivity = "peft.trial";

    /// <summary>Counter of trials started, baselines included. Tag: <see cref="MethodTag"/>.</summary>
    public const string TrialsStarted = "peft.trials.started";

    /// <summary>Counter of trials trained to the end, and of baselines computed. Tag: <see cref="MethodTag"/>.</summary>
    public const string TrialsCompleted = "peft.trials.completed";

    /// <summary>Counter of trials that gave no result. Tags: <see cref="MethodTag"/>, <see cref="FailureTag"/>.</summary>
    public const string TrialsFailed = "peft.trials.failed";

    /// <summary>Counter of epochs trained. Tag: <see cref="MethodTag"/>.</summary>
    public const string Epochs = "peft.epochs";

    /// <summary>Histogram of the seconds that a trial has trained in all, when it has reached a rung or failed. Tag: <see cref="MethodTag"/>.</summary>
    public const string TrialDuration = "peft.trial.duration";

    /// <summary>Gauge of the best soft prompt's metric so far. Tags: <see cref="MetricNameTag"/>, <see cref="MethodTag"/>.</summary>
    public const string BestMetric = "peft.best_metric";

    /// <summary>Tag: the number of the trial.</summary>
    public const string TrialIdTag = "peft.trial.id";

    /// <summary>Tag: the name of the method, or of the baseline.</summary>
    public const string MethodTag = "peft.method";

    /// <summary>Tag: the rung that the trial runs to, from 0.</summary>
    public const string RungTag = "peft.trial.rung";

    /// <summary>Tag: the epochs trained in all.</summary>
    public const string EpochsTag = "peft.trial.epochs";

    /// <summary>Tag: the metric on the validation rows.</summary>
    public const string MetricTag = "peft.metric";

    /// <summary>Tag: the name of the metric.</summary>
    public const string MetricNameTag = "peft.metric.name";

    /// <summary>Tag: the tuner and its settings in words.</summary>
    public const string TunerTag = "peft.tuner";

    /// <summary>Tag: a <see cref="PeftFailureReason"/> by name.</summary>
    public const string FailureTag = "peft.failure";
}
