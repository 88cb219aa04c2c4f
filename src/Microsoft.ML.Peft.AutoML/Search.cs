using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>
/// Runs a search: asks the tuner, runs trials, writes what happens to the log. Everything but the trials themselves happens in one loop,
/// which messages from the trials drive.
/// </summary>
internal sealed class Search : IDisposable
{
    private const int HopelessFailures = 10;
    private static readonly TimeSpan MemoryInterval = TimeSpan.FromMilliseconds(100);

    private readonly SearchPlan _plan;
    private readonly ITuner _tuner;
    private readonly ITrialRunner _runner;
    private readonly IReadOnlyList<IPeftMonitor> _monitors;
    private readonly TimeProvider _time;
    private readonly SearchLog _log;
    private readonly Dictionary<int, RunningTrial> _running = [];
    private readonly Channel<Action> _messages = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly long _started;
    private readonly double _elapsedBefore;
    private readonly MemoryWatch _memory;
    private readonly List<PeftEvent> _replayed = [];
    private IPeftMonitor? _broken;

    private Search(SearchPlan plan, ITuner tuner, ITrialRunner runner, IReadOnlyList<IPeftMonitor> monitors, TimeProvider time, SearchLog log)
    {
        (_plan, _tuner, _runner, _monitors, _time, _log) = (plan, tuner, runner, monitors, time, log);
        State = new SearchState(plan, tuner);
        _memory = new MemoryWatch(plan.MaxTrialMegabytes);
        var settings = Settings(plan, tuner);
        if (log.Events.Count > 0)
            CheckSettings(log.Events[0], settings, plan);
        _replayed.Add(new PeftExperimentStarted(State.Description) { IsReplay = log.Events.Count > 0 });
        for (int line = 0; line < log.Events.Count; line++)
            Replay(log.Events[line], line);
        _elapsedBefore = State.Elapsed;
        _started = time.GetTimestamp();
        if (log.Events.Count == 0)
            Record(new SearchOpened(settings, plan.Seed));
        DeleteStrangers();
    }

    public SearchState State { get; }

    private double Elapsed => _elapsedBefore + _time.GetElapsedTime(_started).TotalSeconds;

    /// <summary>Begins a search in a directory, or goes on with the one that lies there.</summary>
    /// <param name="plan">What to do. The number of trials, times, memory and concurrency may differ from an earlier run's.</param>
    /// <param name="tuner">Decides.</param>
    /// <param name="runner">Trains.</param>
    /// <param name="monitors">Watch.</param>
    /// <param name="time">The clock, which only the budgets read.</param>
    /// <exception cref="IOException">Another search uses the directory, or it cannot be written.</exception>
    /// <exception cref="InvalidDataException">The log is damaged.</exception>
    /// <exception cref="ArgumentException">The directory holds a search with other settings.</exception>
    public static Search Open(SearchPlan plan, ITuner tuner, ITrialRunner runner, IReadOnlyList<IPeftMonitor> monitors, TimeProvider time)
    {
        var log = SearchLog.Open(plan.Directory);
        try
        {
            return new Search(plan, tuner, runner, monitors, time, log);
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>Runs until the budget is used up or nothing is left to try.</summary>
    /// <exception cref="OperationCanceledException">The search was cancelled. What it has found stays, and another run goes on with it.</exception>
    /// <exception cref="TimeoutException">The time ended before any soft prompt had a result.</exception>
    /// <exception cref="InvalidOperationException">All trials failed.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            Tell(_replayed);
            await RunTrialsAsync(cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (State.Best is null)
                throw NothingFound();
            if (_plan.Refit && State.Best.RefitAdapterBytes is null)
                await RefitAsync(State.Best, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            TellEnd(error);
            throw;
        }
        TellEnd(null);
    }

    public void Dispose()
    {
        foreach (var running in _running.Values)
            running.Dispose();
        _log.Dispose();
    }

    private async Task RunTrialsAsync(CancellationToken cancellationToken)
    {
        using var outOfTime = _plan.MaxTime is { } most ? new CancellationTokenSource(Left(most, State.Elapsed), _time) : new CancellationTokenSource();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, outOfTime.Token);
        using var memoryTimer = _time.CreateTimer(_ => _messages.Writer.TryWrite(WatchMemory), null, MemoryInterval, MemoryInterval);
        try
        {
            while (true)
            {
                while (!stop.IsCancellationRequested && _running.Count < _plan.MaxConcurrentTrials && Next() is { } next)
                    Launch(next, stop.Token);
                if (_running.Count == 0)
                    break;
                (await _messages.Reader.ReadAsync(CancellationToken.None).ConfigureAwait(false))();
                CheckHopeless();
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(_running.Values.Select(running => running.Task)).ConfigureAwait(false);
        }
    }

    /// <summary>The trial to run next, after its event is in the log: interrupted ones, then baselines, then what the tuner says.</summary>
    private TrialRecord? Next()
    {
        if (State.Trials.FirstOrDefault(trial => trial.IsRunning && !_running.ContainsKey(trial.Id)) is { } interrupted)
            return interrupted;
        if (State.Trials.Count < _plan.BaselineModels.Count)
            return _running.Count == 0 ? StartBaseline(State.Trials.Count) : null;
        if (State.Trials.Any(trial => trial.Trial is null && trial.IsRunning))
            return null;    // the bar is set before anyone jumps
        var assignment = Last() ?? _tuner.Next(State.History, mayStart: !(State.History.Trials.Count >= _plan.MaxTrials));
        return assignment is null ? null : Start(assignment);
    }

    /// <summary>The best trial, when the time left is just enough to train it to the end: what a first rung shows is no result to end with.</summary>
    private Assignment? Last()
    {
        if (_plan.MaxTime is not { } most || _tuner.Finish(State.History) is not { Paused: { } paused } last)
            return null;
        var trials = State.Trials.Where(trial => trial.Trial is not null).ToList();
        var best = trials.First(trial => trial.Trial == paused);
        double training = best.Seconds / best.Epochs.Count * (_tuner.Rungs[^1] - best.Epochs.Count);
        // Anything else that is begun now may take as long as the longest trial so far.
        return Left(most, Elapsed).TotalSeconds < training + trials.Max(trial => trial.Seconds) ? last : null;
    }

    private TrialRecord StartBaseline(int id)
    {
        Record(new TrialStarted(id, _plan.Baseline, _plan.BaselineModels[id], null, _plan.Seed, 0, 0));
        return State.Trials[id];
    }

    private TrialRecord Start(Assignment assignment)
    {
        var paused = State.Trials.FirstOrDefault(trial => trial.Trial is not null && trial.Trial == assignment.Paused);
        int id = paused?.Id ?? State.Trials.Count;
        var configuration = assignment.Configuration;
        int seed = paused?.Seed ?? StableHash.Seed(_plan.Seed, "trial", id);
        Record(new TrialStarted(id, configuration.Space.Method, null, configuration.ToJson(), seed, assignment.Rung, _tuner.Rungs[assignment.Rung]));
        return State.Trials[id];
    }

    private void Launch(TrialRecord record, CancellationToken stop)
    {
        var running = new RunningTrial(record, stop);
        if (_running.Count == 0)
            _memory.Settle();
        _running.Add(record.Id, running);
        if (_plan.MaxTrialTime is { } most)
            running.TimeLimit = _time.CreateTimer(
                _ => _messages.Writer.TryWrite(() => running.Stop(PeftFailureReason.TimeLimit, FormattableString.Invariant($"It took longer than {most.TotalSeconds} seconds."))),
                null, Left(most, record.Seconds), Timeout.InfiniteTimeSpan);
        // A thread of its own: training blocks it for minutes.
        running.Task = Task.Factory.StartNew(() => Run(running), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>On the trial's own thread: whatever comes of it becomes a message to the loop.</summary>
    private void Run(RunningTrial running)
    {
        var record = running.Record;
        try
        {
            var report = record.Trial is { } trial
                ? _runner.Run(Request(record, trial), epoch => Post(() => EpochDone(record, epoch)), running.Token)
                : _runner.RunBaseline(record.BaselineModel!, running.Token);
            double metric = report.Metrics.GetValueOrDefault(_plan.Metric.Name, double.NaN);
            if (double.IsFinite(metric))
                Post(() => Ended(running, new TrialReported(record.Id, report, running.PeakMegabytes)));
            else
                Post(() => Ended(running, Failed(record, new PeftTrialFailure(PeftFailureReason.Diverged, $"{_plan.Metric.Name} is {metric} on the validation rows."))));
        }
        catch (OperationCanceledException) when (running.Token.IsCancellationRequested)
        {
            // Without a reason of its own the whole search was stopped: the trial is interrupted, and the next run goes on with it.
            Post(() => Ended(running, running.Reason is { } reason ? Failed(record, reason) : null));
        }
        catch (Exception e)
        {
            Post(() => Ended(running, Failed(record, PeftTrialFailure.Of(e))));
        }
    }

    /// <summary>Trains the winner anew on all rows. An interruption leaves the search as it is, and the next run goes on with it.</summary>
    private async Task RefitAsync(TrialRecord best, CancellationToken cancellationToken)
    {
        Tell([new PeftRefitStarted(State.Snapshot(best)) { Elapsed = TimeSpan.FromSeconds(Elapsed) }]);
        var request = new RefitRequest(best.Trial!.Configuration, best.Seed, best.Report!, best.RefitCheckpointDirectory, best.RefitDirectory);
        try
        {
            long bytes = await Task.Factory.StartNew(
                () => _runner.Refit(request, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            Record(new TrialRefitted(best.Id, bytes));
            Delete(best.RefitCheckpointDirectory);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new InvalidOperationException(
                $"The search has found trial {best.Id} ({best.Method}), but could not train it on all rows: {PeftTrialFailure.Of(e).Message} The trial's own model is kept; SetRefit(false) leaves it at that.", e);
        }
    }

    private TrialRequest Request(TrialRecord record, Trial trial) => new(
        record.Id, trial.Configuration, record.Seed, _tuner.Rungs[trial.Rung], _tuner.Rungs[^1], record.CheckpointDirectory, record.ResultDirectory(trial.Rung));

    private static TrialFailed Failed(TrialRecord record, PeftTrialFailure failure) => new(record.Id, failure);

    private void Post(Action message) => _messages.Writer.TryWrite(message);

    private void EpochDone(TrialRecord record, PeftEpoch epoch)
    {
        if (epoch.Epoch == record.Epochs.Count + 1)
            Record(new TrialEpoch(record.Id, epoch));
    }

    private void Ended(RunningTrial running, SearchEvent? outcome)
    {
        _running.Remove(running.Record.Id);
        running.Dispose();
        if (outcome is not null)
            Record(outcome);
        TidyUp(running.Record);
    }

    private void WatchMemory()
    {
        var running = _running.Values.ToList();
        double share = _memory.Share(running.Count);
        foreach (var trial in running)
            trial.PeakMegabytes = Math.Max(trial.PeakMegabytes ?? 0, share);
        // Memory of trials that run at the same time cannot be told apart; the one that came last made it too much.
        if (_memory.IsTooMuch(share) && running.MaxBy(trial => trial.Order) is { } last)
            last.Stop(PeftFailureReason.MemoryLimit, FormattableString.Invariant($"The trials used {share:0} megabytes each; the limit is {_plan.MaxTrialMegabytes}."));
    }

    /// <summary>A search in which nothing works will not find anything by going on.</summary>
    private void CheckHopeless()
    {
        var trials = State.Trials.Where(trial => trial.Trial is not null).ToList();
        if (trials.Count(trial => trial.Failure is not null) >= HopelessFailures && trials.TrueForAll(trial => trial.Report is null))
            throw NothingFound();
    }

    private Exception NothingFound()
    {
        var failed = State.Trials.Where(trial => trial.Trial is not null && trial.Failure is not null).ToList();
        return failed.Count > 0
            ? new InvalidOperationException($"No trial gave a result; {failed.Count} failed, the first ({failed[0].Method}) because of {failed[0].Failure!.Reason}: {failed[0].Failure!.Message}")
            : new TimeoutException(FormattableString.Invariant($"The search ended after {Elapsed:0} seconds before a soft prompt had a result; allow more time or more trials."));
    }

    private void Record(SearchEvent e)
    {
        e = e with { Elapsed = Elapsed };
        _log.Append(e);
        Tell(State.Apply(e, isReplay: false));
    }

    private void Replay(SearchEvent e, int line)
    {
        try
        {
            _replayed.AddRange(State.Apply(e, isReplay: true));
        }
        catch (Exception error) when (error is InvalidDataException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidDataException($"'{Path.Combine(_plan.Directory, SearchLog.FileName)}' does not fit together in line {line + 1}: {error.Message}", error);
        }
    }

    private void Tell(IReadOnlyList<PeftEvent> events)
    {
        foreach (var e in events)
        {
            foreach (var monitor in _monitors)
            {
                _broken = monitor;
                monitor.Report(e);
            }
        }
        _broken = null;
    }

    /// <summary>Reaches every monitor but one that threw: displays can count on it.</summary>
    private void TellEnd(Exception? error)
    {
        var finished = new PeftExperimentFinished(State.Result, error) { Elapsed = TimeSpan.FromSeconds(Elapsed) };
        Exception? first = null;
        foreach (var monitor in _monitors.Where(monitor => monitor != _broken))
        {
            try
            {
                monitor.Report(finished);
            }
            catch (Exception e)
            {
                first ??= e;
            }
        }
        // What the search itself ended with says more.
        if (error is null && first is not null)
            ExceptionDispatchInfo.Throw(first);
    }

    /// <summary>What must be the same when a search goes on.</summary>
    private static Dictionary<string, string> Settings(SearchPlan plan, ITuner tuner) => new()
    {
        ["metric"] = plan.Metric.Name,
        ["cost"] = plan.Cost?.ToString() ?? "none",
        ["tuner"] = tuner.Description,
        ["rungs"] = string.Join(", ", tuner.Rungs),
        ["methods"] = string.Join("; ", plan.Spaces.Select(space => space.Describe())),
        ["baselines"] = string.Join(", ", plan.BaselineModels),
        ["data"] = plan.DataFingerprint,
    };

    private static void CheckSettings(SearchEvent first, Dictionary<string, string> settings, SearchPlan plan)
    {
        if (first is not SearchOpened opened)
            throw new InvalidDataException($"'{Path.Combine(plan.Directory, SearchLog.FileName)}' does not begin with the search's settings; it is the log of something else.");
        foreach (var (name, value) in settings.Append(new("seed", FormattableString.Invariant($"{plan.Seed}"))))
        {
            string before = name == "seed" ? FormattableString.Invariant($"{opened.Seed}") : opened.Settings.GetValueOrDefault(name, "");
            if (before != value)
                throw new ArgumentException($"The directory '{plan.Directory}' holds a search with other settings: its {name} was '{before}', and is now '{value}'. Use the same settings, or another directory.");
        }
    }

    private static TimeSpan Left(TimeSpan most, double secondsUsed) => TimeSpan.FromSeconds(Math.Max(0, most.TotalSeconds - secondsUsed));

    /// <summary>A trial needs its latest result only, and no checkpoint if it will not be trained further.</summary>
    private void TidyUp(TrialRecord record)
    {
        if (record.Failure is not null || record.Rung == _tuner.Rungs.Count - 1)
            Delete(record.CheckpointDirectory);
        Delete(record.RefitCheckpointDirectory);    // of what it was before
        for (int rung = 0; rung < record.Rung; rung++)
            Delete(record.ResultDirectory(rung));
    }

    /// <summary>Files of trials that the log does not know: a kill came before their line was written.</summary>
    private void DeleteStrangers()
    {
        if (!Directory.Exists(_plan.TrialsDirectory))
            return;
        foreach (string directory in Directory.EnumerateDirectories(_plan.TrialsDirectory).Except(State.Trials.Select(trial => trial.Directory)).ToList())
            Delete(directory);
    }

    private static void Delete(string directory)
    {
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
    }
}
