using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.ML.Peft.AutoML.Monitoring;
using Microsoft.ML.Peft.AutoML.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests.Monitoring;

/// <summary>Other tests' searches report to the same source, so that each looks only at what happens within an activity of its own.</summary>
public sealed class TelemetryMonitorTests : IDisposable
{
    private static readonly ActivitySource Own = new(nameof(TelemetryMonitorTests));
    private static readonly AsyncLocal<string?> Current = new();

    private readonly TemporaryDirectory _directory = new();
    private readonly ConcurrentQueue<Activity> _activities = new();
    private readonly ConcurrentQueue<(string Instrument, double Value, Dictionary<string, object?> Tags)> _measures = new();
    private readonly ActivityListener _activityListener;
    private readonly MeterListener _meterListener = new();
    private readonly Activity _root;

    public TelemetryMonitorTests()
    {
        _activityListener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is PeftTelemetry.Name or nameof(TelemetryMonitorTests),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity => { if (activity.TraceId == _root?.TraceId) _activities.Enqueue(activity); },
        };
        ActivitySource.AddActivityListener(_activityListener);
        _root = Own.StartActivity("root")!;
        _meterListener.InstrumentPublished = (instrument, listener) => { if (instrument.Meter.Name == PeftTelemetry.Name) listener.EnableMeasurementEvents(instrument); };
        _meterListener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument.Name, value, tags));
        _meterListener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument.Name, value, tags));
        _meterListener.Start();
    }

    public void Dispose()
    {
        _root.Dispose();
        _activityListener.Dispose();
        _meterListener.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void An_experiment_is_an_activity_and_each_stretch_of_a_trial_a_child_of_it()
    {
        var result = Run(SyntheticSearch.Plan(_directory.Path));
        var experiment = Assert.Single(_activities, activity => activity.OperationName == PeftTelemetry.ExperimentActivity);
        Assert.Equal(_root.SpanId, experiment.ParentSpanId);
        Assert.Equal("Accuracy", experiment.GetTagItem(PeftTelemetry.MetricNameTag));
        Assert.Equal(result.Best!.Metric, experiment.GetTagItem(PeftTelemetry.MetricTag));
        var trials = _activities.Where(activity => activity.OperationName == PeftTelemetry.TrialActivity).ToList();
        Assert.Equal(result.Trials.Sum(trial => trial.RungResults.Count), trials.Count);
        Assert.All(trials, trial => Assert.Equal(experiment.SpanId, trial.ParentSpanId));
        foreach (var (trial, rung) in result.Trials.SelectMany(trial => trial.RungResults.Select(rung => (trial, rung))))
        {
            var activity = Assert.Single(trials, activity => (int)activity.GetTagItem(PeftTelemetry.TrialIdTag)! == trial.TrialId && (int)activity.GetTagItem(PeftTelemetry.RungTag)! == rung.Rung);
            Assert.Equal(trial.Method, activity.GetTagItem(PeftTelemetry.MethodTag));
            Assert.Equal(rung.Metric, activity.GetTagItem(PeftTelemetry.MetricTag));
            Assert.Equal(rung.Epochs, activity.GetTagItem(PeftTelemetry.EpochsTag));
            Assert.Equal(ActivityStatusCode.Unset, activity.Status);
        }
        Assert.Same(_root, Activity.Current);
    }

    [Fact]
    public void Trials_epochs_times_and_the_best_metric_are_measured()
    {
        var result = Run(SyntheticSearch.Plan(_directory.Path));
        Assert.Equal(result.Trials.Count, Sum(PeftTelemetry.TrialsStarted));
        Assert.Equal(result.Trials.Count(trial => trial.Status == PeftTrialStatus.Completed), Sum(PeftTelemetry.TrialsCompleted));
        Assert.Equal(0, Sum(PeftTelemetry.TrialsFailed));
        Assert.Equal(result.Trials.Sum(trial => trial.LearningCurve.Count), Sum(PeftTelemetry.Epochs));
        Assert.Equal(result.Trials.Sum(trial => trial.RungResults.Count), Of(PeftTelemetry.TrialDuration).Count());
        var best = Of(PeftTelemetry.BestMetric).Last();
        Assert.Equal(result.Best!.Metric, best.Value);
        Assert.Equal(result.Best.Method, best.Tags[PeftTelemetry.MethodTag]);
    }

    [Fact]
    public void A_failure_is_an_error_with_its_reason()
    {
        var runner = new SyntheticRunner { BeforeEpoch = (request, _, _) => { if (request.Id == 2) throw new OutOfMemoryException("too much"); } };
        Run(SyntheticSearch.Plan(_directory.Path), runner);
        var failed = Assert.Single(_activities, activity => activity.OperationName == PeftTelemetry.TrialActivity && activity.Status == ActivityStatusCode.Error);
        Assert.Equal("OutOfMemory", failed.GetTagItem(PeftTelemetry.FailureTag));
        Assert.Equal("too much", failed.StatusDescription);
        var measured = Assert.Single(Of(PeftTelemetry.TrialsFailed));
        Assert.Equal("OutOfMemory", measured.Tags[PeftTelemetry.FailureTag]);
    }

    [Fact]
    public void What_an_earlier_run_has_told_is_not_told_again()
    {
        var plan = SyntheticSearch.Plan(_directory.Path);
        SyntheticSearch.Run(plan with { MaxTrials = 5 }, "random");
        Run(plan with { MaxTrials = 7 }, tuner: "random");
        Assert.Equal(2, Sum(PeftTelemetry.TrialsStarted));
        Assert.Equal(2, _activities.Count(activity => activity.OperationName == PeftTelemetry.TrialActivity));
    }

    [Fact]
    public void A_trial_that_was_interrupted_ends_with_the_run_and_goes_on_with_the_next()
    {
        using var cancellation = new CancellationTokenSource();
        var runner = new SyntheticRunner { BeforeEpoch = (request, epoch, token) => { if (request.Id == 3 && epoch == 2) cancellation.Cancel(); } };
        var plan = SyntheticSearch.Plan(_directory.Path);
        Assert.ThrowsAny<OperationCanceledException>(() => Run(plan, runner, "random", cancellation.Token));
        var interrupted = _activities.Last(activity => activity.OperationName == PeftTelemetry.TrialActivity);
        Assert.Equal(3, interrupted.GetTagItem(PeftTelemetry.TrialIdTag));
        Assert.Null(interrupted.GetTagItem(PeftTelemetry.MetricTag));
        Assert.Equal(ActivityStatusCode.Error, _activities.Last().Status);
        _activities.Clear();
        Run(plan, tuner: "random");
        var resumed = Assert.Single(_activities, activity => 3.Equals(activity.GetTagItem(PeftTelemetry.TrialIdTag)));
        Assert.NotNull(resumed.GetTagItem(PeftTelemetry.MetricTag));
    }

    private PeftExperimentResult Run(SearchPlan plan, SyntheticRunner? runner = null, string tuner = "ASHA", CancellationToken cancellationToken = default)
    {
        Current.Value = _directory.Path;
        return SyntheticSearch.Run(plan, tuner, runner, new TelemetryMonitor(), cancellationToken: cancellationToken);
    }

    private void Keep(string instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (Current.Value == _directory.Path)
            _measures.Enqueue((instrument, value, tags.ToArray().ToDictionary()));
    }

    private IEnumerable<(string Instrument, double Value, Dictionary<string, object?> Tags)> Of(string instrument) => _measures.Where(measure => measure.Instrument == instrument);

    private double Sum(string instrument) => Of(instrument).Sum(measure => measure.Value);
}
