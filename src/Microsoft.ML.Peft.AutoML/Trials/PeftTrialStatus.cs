namespace Microsoft.ML.Peft.AutoML;

/// <summary>Where a trial stands.</summary>
public enum PeftTrialStatus
{
    /// <summary>It is being trained, or was when the search was interrupted.</summary>
    Running,

    /// <summary>It has a result and waits to be promoted, which happens if it is among the best.</summary>
    Paused,

    /// <summary>It was trained to the end.</summary>
    Completed,

    /// <summary>It gave no result; <see cref="PeftTrialResult.Failure"/> says why.</summary>
    Failed,
}
