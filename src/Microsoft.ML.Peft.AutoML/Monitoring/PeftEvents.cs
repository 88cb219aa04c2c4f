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
/// <param name="Search">What it does.</param>
public sealed record PeftExperimentStarted(PeftSearchDescription Search) : PeftEvent;

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

/// <summary>The search is over, and the best trial's configuration is trained anew on training and validation rows together.</summary>
/// <param name="Trial">The best trial.</param>
public sealed record PeftRefitStarted(PeftTrialResult Trial) : PeftEvent;

/// <summary>That training has ended: the trial's model is now its.</summary>
/// <param name="Trial">The best trial, with the new model.</param>
public sealed record PeftRefitCompleted(PeftTrialResult Trial) : PeftEvent;

/// <summary>The search has ended, however that came: the last event.</summary>
/// <param name="Result">What it has found.</param>
/// <param name="Error">
/// What it ended with: null if its budget is used up or nothing is left to try, an <see cref="OperationCanceledException"/> if it was
/// cancelled, else the error.
/// </param>
public sealed record PeftExperimentFinished(PeftExperimentResult Result, Exception? Error) : PeftEvent;
