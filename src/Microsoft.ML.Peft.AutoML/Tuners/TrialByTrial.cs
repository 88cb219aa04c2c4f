namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>A tuner that somebody else asks for one trial after another, and tells how good each was.</summary>
internal sealed class TrialByTrial(ITuner tuner)
{
    private readonly SearchHistory _history = new();
    private Trial? _asked;

    /// <summary>See <see cref="ITuner.Rungs"/>.</summary>
    public IReadOnlyList<int> Rungs => tuner.Rungs;

    /// <summary>What to run next, to its <see cref="Trial.Rung"/>. A trial that nobody told about has failed.</summary>
    /// <exception cref="InvalidOperationException">There is nothing left to try.</exception>
    public Trial Ask()
    {
        if (_asked is { IsRunning: true })
            _asked.Fail();
        var next = tuner.Next(_history, mayStart: true) ?? throw new InvalidOperationException(
            $"All {_history.Trials.Count} trials that can be told apart were run, and nothing is left to try; let the experiment explore no more models than that.");
        next.Paused?.Promote(next.Rung);
        return _asked = next.Paused ?? _history.Start(_history.Trials.Count, next.Configuration);
    }

    /// <summary>How good the trial was that was asked for last.</summary>
    /// <param name="score">More is better; one that is not finite is a failure.</param>
    public void Tell(double score)
    {
        if (_asked is not { IsRunning: true } trial)
            throw new InvalidOperationException("No trial is running that a result could be of; ask for one first.");
        if (double.IsFinite(score))
            trial.Report(new Objective(score));
        else
            trial.Fail();
    }
}
