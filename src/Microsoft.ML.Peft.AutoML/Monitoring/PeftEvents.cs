namespace Microsoft.ML.Peft.AutoML;

/// <summary>Something that happened in a search.</summary>
public abstract record PeftEvent
{
    private protected PeftEvent() { }

    /// <summary>How long the search had been running, interruptions left out.</summary>
    public TimeSpan Elapsed { get; internal init; }

    /// <summary>Whether it happened in an earlier run, which this one goes on with: such events are reported again, before new ones.</summary>
    public bool IsReplay { get; internal init; }
}

/// <summary>The search begins: the first event.</summary>
/// <param name="MetricName">The metric that is optimised.</param>
/// <param name="LowerIsBetter">Whether a smaller metric is a better one.</param>
/// <param name="Methods">What is searched.</param>
/// <param name="Tuner">The tuner and its settings in words.</param>
/// <param name="Rungs">The epochs after which a trial is judged, ascending; the last is a full training.</param>
/// <param name="MaxTrials">The most trials to start, baselines left out; null for no limit.</param>
/// <param name="MaxTime">The most time; null for no limit.</param>
/// <param name="MaxConcurrentTrials">The most trials at a time.</param>
/// <param name="Directory">Where the log and the trials' files lie.</param>
public sealed record PeftExperimentStarted(
    string MetricName, bool LowerIsBetter, IReadOnlyList<PeftSearchedMethod> Methods, string Tuner, IReadOnlyList<int> Rungs,
    int? MaxTrials, TimeSpan? MaxTime, int MaxConcurrentTrials, string Directory) : PeftEvent;

/// <summary>A trial is started, or goes on to the next rung.</summary>
/// <param name="Trial">The trial.</param>
/// <param name="Rung">The rung that it runs to, from 0.</param>
/// <param name="Epochs">The epoch that it runs to.</param>
public sealed record PeftTrialStarted(PeftTrialResult Trial, int Rung, int Epochs) : PeftEvent;

/// <summary>A trial has finished an epoch.</summary>
/// <param name="Trial">The trial.</param>
/// <param name="Epoch">The epoch.</param>
public sealed record PeftEpochCompleted(PeftTrialResult Trial, PeftEpoch Epoch) : PeftEvent;

/// <summary>A trial has reached a rung and was judged there.</summary>
/// <param name="Trial">The trial, with its metrics at the rung.</param>
/// <param name="Rung">The rung, from 0.</param>
public sealed record PeftRungReported(PeftTrialResult Trial, int Rung) : PeftEvent;

/// <summary>A trial was trained to the end, or a baseline was computed.</summary>
/// <param name="Trial">The trial.</param>
public sealed record PeftTrialCompleted(PeftTrialResult Trial) : PeftEvent;

/// <summary>A trial gave no result; the search goes on.</summary>
/// <param name="Trial">The trial, with the reason.</param>
public sealed record PeftTrialFailed(PeftTrialResult Trial) : PeftEvent;

/// <summary>A soft prompt is better than all before it.</summary>
/// <param name="Trial">The trial.</param>
public sealed record PeftBestTrialFound(PeftTrialResult Trial) : PeftEvent;

/// <summary>The search has ended, also if it was cancelled: the last event.</summary>
/// <param name="Result">What it has found.</param>
public sealed record PeftExperimentFinished(PeftExperimentResult Result) : PeftEvent;
