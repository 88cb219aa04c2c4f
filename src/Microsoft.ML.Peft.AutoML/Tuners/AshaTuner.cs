namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>
/// Asynchronous successive halving (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning"): many trials start, and of
/// every η trials at a rung the best goes on to η times the epochs. Nobody waits for a rung to fill. With a sampler that learns from the
/// rungs it is the asynchronous form of BOHB (Falkner et al. 2018).
/// </summary>
internal sealed class AshaTuner : ITuner
{
    private readonly ISampler _sampler;
    private readonly int _reductionFactor;
    private readonly int _minEpochs;

    /// <param name="sampler">Proposes the trials to start.</param>
    /// <param name="reductionFactor">η, at least 2.</param>
    /// <param name="minEpochs">The fewest epochs of the lowest rung, at least 1.</param>
    /// <param name="maxEpochs">The epochs of a full training.</param>
    public AshaTuner(ISampler sampler, int reductionFactor, int minEpochs, int maxEpochs)
    {
        (_sampler, _reductionFactor, _minEpochs) = (sampler, reductionFactor, minEpochs);
        var rungs = new List<int> { maxEpochs };
        for (int epochs = maxEpochs / reductionFactor; epochs >= minEpochs; epochs /= reductionFactor)
            rungs.Insert(0, epochs);
        Rungs = rungs;
    }

    public string Description => $"asynchronous successive halving by {_reductionFactor} from {_minEpochs} epochs, {_sampler.Description}";

    public IReadOnlyList<int> Rungs { get; }

    public Assignment? Next(SearchHistory history, bool mayStart)
    {
        for (int rung = Rungs.Count - 2; rung >= 0; rung--)
        {
            if (Promotable(history, rung) is { } paused)
                return new Assignment(paused.Configuration, paused);
        }
        if (mayStart && _sampler.Propose(history) is { } configuration)
            return new Assignment(configuration, null);
        // When nothing else is left to do, as with fewer than η trials, the best of them is still to be trained.
        return history.AnyRunning ? null : Finish(history);
    }

    /// <summary>The best trial that waits at the highest rung where one does.</summary>
    public Assignment? Finish(SearchHistory history)
    {
        int top = Rungs.Count - 1;
        if (history.Trials.Any(trial => !trial.HasFailed && (trial.Reports.Count > top || trial.IsRunning && trial.Rung == top)))
            return null;
        for (int rung = top - 1; rung >= 0; rung--)
        {
            var waiting = history.At(rung).Where(trial => trial.Waits(rung)).ToList();
            if (waiting.Count > 0)
            {
                var best = Objective.Order(waiting, trial => trial.Reports[rung])[0];
                return new Assignment(best.Configuration, best);
            }
        }
        return null;
    }

    /// <summary>The best trial that waits at a rung and is among the best of every η there.</summary>
    private Trial? Promotable(SearchHistory history, int rung)
    {
        var judged = history.At(rung);
        return Objective.Order(judged, trial => trial.Reports[rung])
            .Take(judged.Count / _reductionFactor)
            .FirstOrDefault(trial => trial.Waits(rung));
    }
}
