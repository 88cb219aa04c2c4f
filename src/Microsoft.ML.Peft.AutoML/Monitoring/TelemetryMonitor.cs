using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Microsoft.ML.Peft.AutoML.Monitoring;

/// <summary>
/// Tells <see cref="PeftTelemetry"/>'s listeners of a search. What an earlier run has told already, which is replayed when a search goes on,
/// is not told again.
/// </summary>
internal sealed class TelemetryMonitor : IPeftMonitor
{
    private static readonly ActivitySource Source = new(PeftTelemetry.Name);
    private static readonly Meter Meter = new(PeftTelemetry.Name);
    private static readonly Counter<long> Started = Meter.CreateCounter<long>(PeftTelemetry.TrialsStarted, "{trial}", "Trials started, baselines included.");
    private static readonly Counter<long> Completed = Meter.CreateCounter<long>(PeftTelemetry.TrialsCompleted, "{trial}", "Trials trained to the end, and baselines.");
    private static readonly Counter<long> Failed = Meter.CreateCounter<long>(PeftTelemetry.TrialsFailed, "{trial}", "Trials that gave no result.");
    private static readonly Counter<long> Epochs = Meter.CreateCounter<long>(PeftTelemetry.Epochs, "{epoch}", "Epochs trained.");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>(PeftTelemetry.TrialDuration, "s", "Time that a trial has trained, when it has reached a rung or failed.");
    private static readonly Gauge<double> Best = Meter.CreateGauge<double>(PeftTelemetry.BestMetric, description: "The metric of the best soft prompt so far.");

    private readonly Dictionary<int, Activity> _trials = [];
    private PeftSearchDescription? _search;
    private Activity? _experiment;

    public void Report(PeftEvent e)
    {
        if (e is PeftExperimentStarted { Search: var search })
            Begin(search);
        else if (e is PeftExperimentFinished finished)
            End(finished);
        else if (!e.IsReplay)
            Measure(e);
    }

    private void Begin(PeftSearchDescription search)
    {
        _search = search;
        _experiment = Start(PeftTelemetry.ExperimentActivity, default, default);
        _experiment?.SetTag(PeftTelemetry.MetricNameTag, search.MetricName);
        _experiment?.SetTag(PeftTelemetry.TunerTag, search.Tuner);
    }

    private void Measure(PeftEvent e)
    {
        switch (e)
        {
            case PeftTrialStarted { Trial: var trial, Rung: var rung }:
                if (trial.Rung < 0)
                    Started.Add(1, Method(trial));
                Open(trial, rung, DateTimeOffset.UtcNow);
                break;
            case PeftEpochCompleted { Trial: var trial }:
                Epochs.Add(1, Method(trial));
                Running(trial);
                break;
            case PeftRungReported { Trial: var trial }:
                Close(trial);
                break;
            case PeftTrialCompleted { Trial: var trial }:
                Completed.Add(1, Method(trial));
                if (trial.IsBaseline)
                    Close(trial);
                break;
            case PeftTrialFailed { Trial: var trial }:
                Failed.Add(1, Method(trial), new(PeftTelemetry.FailureTag, trial.Failure!.Reason.ToString()));
                Close(trial);
                break;
            case PeftBestTrialFound { Trial: var trial }:
                Best.Record(trial.Metric, new(PeftTelemetry.MetricNameTag, _search!.MetricName), Method(trial));
                break;
        }
    }

    private void Open(PeftTrialResult trial, int rung, DateTimeOffset start)
    {
        if (Start(PeftTelemetry.TrialActivity, _experiment?.Context ?? default, start) is not { } activity)
            return;
        activity.SetTag(PeftTelemetry.TrialIdTag, trial.TrialId);
        activity.SetTag(PeftTelemetry.MethodTag, trial.Method);
        activity.SetTag(PeftTelemetry.RungTag, rung);
        _trials[trial.TrialId] = activity;
    }

    /// <summary>A trial that an earlier run was interrupted in went on when this run began.</summary>
    private void Running(PeftTrialResult trial)
    {
        if (!_trials.ContainsKey(trial.TrialId))
            Open(trial, trial.Rung + 1, _experiment?.StartTimeUtc ?? DateTimeOffset.UtcNow);
    }

    private void Close(PeftTrialResult trial)
    {
        Duration.Record(trial.Duration.TotalSeconds, Method(trial));
        Running(trial);
        if (!_trials.Remove(trial.TrialId, out var activity))
            return;
        activity.SetTag(PeftTelemetry.EpochsTag, trial.Epochs);
        if (trial.Failure is { } failure)
        {
            activity.SetTag(PeftTelemetry.FailureTag, failure.Reason.ToString());
            activity.SetStatus(ActivityStatusCode.Error, failure.Message);
        }
        else
        {
            activity.SetTag(PeftTelemetry.MetricTag, trial.Metric);
        }
        activity.Dispose();
    }

    /// <summary>Trials that were interrupted end with the run; the next one has activities of its own for them.</summary>
    private void End(PeftExperimentFinished finished)
    {
        foreach (var trial in _trials.Values)
            trial.Dispose();
        _trials.Clear();
        if (finished.Result.Best is { } best)
            _experiment?.SetTag(PeftTelemetry.MetricTag, best.Metric);
        if (finished.Error is { } error)
            _experiment?.SetStatus(ActivityStatusCode.Error, error.Message);
        _experiment?.Dispose();
        _experiment = null;
    }

    /// <summary>Starts an activity that is not the current one: events of many trials come on one thread.</summary>
    private static Activity? Start(string name, ActivityContext parent, DateTimeOffset start)
    {
        var current = Activity.Current;
        var activity = parent == default ? Source.StartActivity(name) : Source.StartActivity(name, ActivityKind.Internal, parent, startTime: start);
        Activity.Current = current;
        return activity;
    }

    private static KeyValuePair<string, object?> Method(PeftTrialResult trial) => new(PeftTelemetry.MethodTag, trial.Method);
}
