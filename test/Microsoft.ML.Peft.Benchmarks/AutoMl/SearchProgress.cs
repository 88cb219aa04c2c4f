using Microsoft.ML.Peft.AutoML;

namespace Microsoft.ML.Peft.Benchmarks.AutoMl;

/// <summary>Counts what a search has spent, and what it had found by then.</summary>
/// <param name="stepsPerEpoch">Training steps of an epoch.</param>
internal sealed class SearchProgress(int stepsPerEpoch) : IPeftMonitor
{
    private readonly List<Point> _best = [];

    /// <param name="Steps">Training steps of all trials so far.</param>
    /// <param name="Metric">The best validation accuracy of any epoch by then.</param>
    public sealed record Point(int Steps, double Metric);

    public int Epochs { get; private set; }

    public int Steps => Epochs * stepsPerEpoch;

    /// <summary>Every better epoch.</summary>
    public IReadOnlyList<Point> Best => _best;

    /// <summary>When the first trial began; the baseline before it is the same for every search.</summary>
    public TimeSpan? Start { get; private set; }

    public TimeSpan End { get; private set; }

    public void Report(PeftEvent e)
    {
        switch (e)
        {
            case PeftTrialStarted { Trial.IsBaseline: false }:
                Start ??= e.Elapsed;
                break;
            case PeftEpochCompleted { Epoch.Metric: { } metric }:
                Epochs++;
                if (_best.Count == 0 || metric > _best[^1].Metric)
                    _best.Add(new Point(Steps, metric));
                break;
            case PeftRungReported:
                End = e.Elapsed;
                break;
        }
    }
}
