using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML.Tests.Support;

/// <summary>A search without training, one trial at a time: a tuner, and a function that says how good a configuration is after so many epochs.</summary>
internal static class Simulation
{
    /// <returns>The history when the epochs were used up, or nothing was left to do.</returns>
    public static SearchHistory Run(ITuner tuner, Func<Configuration, int, double> score, int epochs = int.MaxValue, int trials = int.MaxValue)
    {
        var history = new SearchHistory();
        int used = 0;
        while (tuner.Next(history, history.Trials.Count < trials) is { } next)
        {
            int from = next.Paused is null ? 0 : tuner.Rungs[next.Paused.Rung];
            used += tuner.Rungs[next.Rung] - from;
            if (used > epochs)
                break;
            var trial = next.Paused ?? history.Start(history.Trials.Count, next.Configuration);
            if (next.Paused is not null)
                trial.Promote(next.Rung);
            trial.Report(new Objective(score(next.Configuration, tuner.Rungs[next.Rung])));
        }
        return history;
    }

    /// <summary>How far below the best score there is the trial lies that the search would choose, averaged over seeds.</summary>
    /// <param name="seeds">How many.</param>
    /// <param name="tuner">Makes the tuner of a seed.</param>
    /// <param name="epochs">The budget.</param>
    /// <param name="isTold">What the tuner is told of a score: itself, or for a tuner that must lose the opposite.</param>
    public static double Regret(int seeds, Func<int, ITuner> tuner, int epochs, Func<double, double>? isTold = null)
        => Enumerable.Range(1, seeds).Average(seed =>
        {
            double Score(Configuration configuration, int epoch) => Landscapes.Score(configuration, epoch, SyntheticSearch.MaxEpochs);
            var rungs = tuner(seed).Rungs;
            var history = Run(tuner(seed), (configuration, epoch) => isTold is null ? Score(configuration, epoch) : isTold(Score(configuration, epoch)), epochs);
            var chosen = history.Trials.Where(trial => trial.Reports.Count > 0)
                .MaxBy(trial => Score(trial.Configuration, rungs[trial.Reports.Count - 1]))!;
            return -Landscapes.Score(chosen.Configuration);
        });
}
