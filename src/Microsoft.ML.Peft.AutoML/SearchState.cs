using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>
/// Where a search stands. It follows from the log's events alone, by the same code whether they happen now or are read from the file: that
/// is why an interrupted search goes on as if nothing had happened.
/// </summary>
internal sealed class SearchState(SearchPlan plan, ITuner tuner)
{
    private readonly List<TrialRecord> _trials = [];
    private TrialRecord? _best;

    /// <summary>What tuners see.</summary>
    public SearchHistory History { get; } = new();

    /// <summary>By number, the baselines first.</summary>
    public IReadOnlyList<TrialRecord> Trials => _trials;

    public double Elapsed { get; private set; }

    /// <summary>The best soft prompt so far.</summary>
    public TrialRecord? Best => _best;

    public PeftExperimentResult Result => new(Description, [.. _trials.Select(Snapshot)], TimeSpan.FromSeconds(Elapsed));

    public PeftSearchDescription Description { get; } = new()
    {
        MetricName = plan.Metric.Name,
        LowerIsBetter = plan.Metric.LowerIsBetter,
        CurveMetricName = plan.CurveMetricName,
        Methods = [.. plan.Spaces.Select(PeftSearchedMethod.Of)],
        Tuner = tuner.Description,
        Rungs = tuner.Rungs,
        MaxTrials = plan.MaxTrials,
        MaxTime = plan.MaxTime,
        MaxConcurrentTrials = plan.MaxConcurrentTrials,
        Directory = plan.Directory,
    };

    /// <summary>Takes an event in, and says what it means to those who watch.</summary>
    /// <exception cref="InvalidDataException">It does not fit what came before.</exception>
    public IReadOnlyList<PeftEvent> Apply(SearchEvent e, bool isReplay)
    {
        Elapsed = e.Elapsed;
        var elapsed = TimeSpan.FromSeconds(e.Elapsed);
        return [.. Take(e).Select(seen => seen with { Elapsed = elapsed, IsReplay = isReplay })];
    }

    public PeftTrialResult Snapshot(TrialRecord record) => record.ToResult(
        plan.Metric, tuner.Rungs.Count - 1, record.Trial is null ? null : plan.Options(record.Trial.Configuration, record.Seed));

    private IEnumerable<PeftEvent> Take(SearchEvent e) => e switch
    {
        SearchOpened => [],
        TrialStarted started => [Start(started)],
        TrialEpoch(var id, var epoch) => [Epoch(_trials[id], epoch)],
        TrialReported reported => Report(_trials[reported.Trial], reported),
        TrialFailed(var id, var failure) => [Fail(_trials[id], failure)],
        TrialRefitted(var id, var adapterBytes) => [Refit(_trials[id], adapterBytes)],
        _ => throw new InvalidDataException($"The log holds an unknown event, {e.GetType().Name}."),
    };

    private PeftTrialStarted Start(TrialStarted e)
    {
        if (e.Trial == _trials.Count)
            _trials.Add(Create(e));
        else
            Promote(_trials[e.Trial], e.Rung);
        return new PeftTrialStarted(Snapshot(_trials[e.Trial]), e.Rung, e.Epochs);
    }

    private TrialRecord Create(TrialStarted e)
    {
        if (e.Options is null)
            return new TrialRecord(e.Trial, e.Method, e.Seed, null, e.BaselineModel, TrialRecord.DirectoryOf(plan.TrialsDirectory, e.Trial));
        var space = plan.Spaces.FirstOrDefault(s => s.Method == e.Method) ?? throw new InvalidDataException($"The log's trial {e.Trial} has the unknown method '{e.Method}'.");
        var configuration = Configuration.Parse(space, e.Options);
        string directory = TrialRecord.DirectoryOf(plan.TrialsDirectory, e.Trial, e.Seed, configuration, tuner.Rungs[^1]);
        return new TrialRecord(e.Trial, e.Method, e.Seed, History.Start(e.Trial, configuration), null, directory);
    }

    private static void Promote(TrialRecord record, int rung)
    {
        record.Trial!.Promote(rung);
        record.IsRunning = true;
    }

    private PeftEpochCompleted Epoch(TrialRecord record, PeftEpoch epoch)
    {
        record.Add(epoch);
        return new PeftEpochCompleted(Snapshot(record), epoch);
    }

    private IEnumerable<PeftEvent> Report(TrialRecord record, TrialReported e)
    {
        record.IsRunning = false;
        record.Add(e.Report, TimeSpan.FromSeconds(e.Elapsed));
        record.RefitAdapterBytes = null;
        record.PeakMemoryInMegaByte = e.PeakMemoryInMegaByte is { } peak ? Math.Max(peak, record.PeakMemoryInMegaByte ?? 0) : record.PeakMemoryInMegaByte;
        if (record.Trial is not { } trial)
            return [new PeftTrialCompleted(Snapshot(record))];
        double weighed = plan.Cost is { } cost ? PeftExperimentResult.CostOf(cost, e.Report.AdapterBytes, e.Report.MillisecondsPerText) : 0;
        trial.Report(new Objective(Score(record), weighed, Metric.Loss(e.Report.Metrics)));
        var seen = new List<PeftEvent> { new PeftRungReported(Snapshot(record), trial.Rung) };
        if (trial.Rung == tuner.Rungs.Count - 1)
            seen.Add(new PeftTrialCompleted(Snapshot(record)));
        // Of two equally good trials with the same loss the one with the lower number counts, whichever was faster.
        var before = _best;
        _best = _trials.Where(other => other.Trial is not null && other.Report is not null).OrderByDescending(Score).ThenBy(other => Metric.Loss(other.Report!.Metrics)).First();
        if (_best == record || _best != before)
            seen.Add(new PeftBestTrialFound(Snapshot(_best)));
        return seen;
    }

    private PeftTrialFailed Fail(TrialRecord record, PeftTrialFailure failure)
    {
        record.IsRunning = false;
        record.Failure = failure;
        record.Trial?.Fail();
        return new PeftTrialFailed(Snapshot(record));
    }

    private PeftRefitCompleted Refit(TrialRecord record, long adapterBytes)
    {
        record.RefitAdapterBytes = adapterBytes;
        return new PeftRefitCompleted(Snapshot(record));
    }

    private double Score(TrialRecord record) => plan.Metric.Score(record.Report!.Metrics[plan.Metric.Name]);
}
