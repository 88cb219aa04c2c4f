namespace Microsoft.ML.Peft.AutoML.Monitoring;

/// <summary>What a search's events add up to, for those who show it.</summary>
internal sealed class SearchProgress(TimeProvider time)
{
    private readonly SortedDictionary<int, PeftTrialResult> _trials = [];
    private readonly Dictionary<int, int> _goals = [];
    private TimeSpan _elapsed;
    private long _seen = time.GetTimestamp();

    /// <summary>What the search does; null before it begins.</summary>
    public PeftSearchDescription? Search { get; private set; }

    /// <summary>How it ended; null while it runs.</summary>
    public PeftExperimentFinished? End { get; private set; }

    /// <summary>How long it has been running: it goes on between events.</summary>
    public TimeSpan Elapsed => End is null ? _elapsed + time.GetElapsedTime(_seen) : _elapsed;

    public PeftExperimentResult Result => new(Search!, [.. _trials.Values], Elapsed);

    /// <summary>The trials that are no baselines and not running, with or without a result.</summary>
    public int TrialsDone => _trials.Values.Count(trial => trial is { IsBaseline: false, Status: not PeftTrialStatus.Running });

    public int TrialsFailed => _trials.Values.Count(trial => trial is { IsBaseline: false, Status: PeftTrialStatus.Failed });

    /// <summary>The time that the budgets leave, an estimate where they limit trials; null where nothing tells.</summary>
    public TimeSpan? TimeLeft
    {
        get
        {
            var byTime = Search?.MaxTime is { } most ? Later(most - Elapsed) : (TimeSpan?)null;
            return TimeLeftByTrials is { } byTrials && !(byTime < byTrials) ? byTrials : byTime;
        }
    }

    /// <summary>The epoch that a trial runs to.</summary>
    public int Goal(int trial) => _goals.GetValueOrDefault(trial);

    public void Add(PeftEvent e)
    {
        (_elapsed, _seen) = (e.Elapsed, time.GetTimestamp());
        switch (e)
        {
            case PeftExperimentStarted started:
                (Search, End) = (started.Search, null);
                _trials.Clear();
                _goals.Clear();
                break;
            case PeftTrialStarted started:
                _goals[started.Trial.TrialId] = started.Epochs;
                break;
            case PeftExperimentFinished finished:
                End = finished;
                break;
        }
        if (e.Trial() is { } trial)
            _trials[trial.TrialId] = trial;
    }

    /// <summary>
    /// By epochs, because a trial that is promoted takes more of them: of all trials the share first rung / rung is expected at each rung,
    /// as in successive halving; with a single rung that is all of them.
    /// </summary>
    private TimeSpan? TimeLeftByTrials
    {
        get
        {
            if (Search is not { MaxTrials: { } most, Rungs: var rungs })
                return null;
            double expected = rungs.Select((epochs, rung) => most * ((double)rungs[0] / epochs) * (epochs - (rung == 0 ? 0 : rungs[rung - 1]))).Sum();
            double done = _trials.Values.Where(trial => !trial.IsBaseline).Sum(trial => trial.Status == PeftTrialStatus.Running ? trial.Epochs : Goal(trial.TrialId));
            return done > 0 && expected > done ? Elapsed * ((expected - done) / done) : null;
        }
    }

    private static TimeSpan Later(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;
}
