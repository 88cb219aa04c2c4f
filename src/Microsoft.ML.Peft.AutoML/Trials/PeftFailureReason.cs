namespace Microsoft.ML.Peft.AutoML;

/// <summary>Why a trial gave no result.</summary>
public enum PeftFailureReason
{
    /// <summary>The loss or the outputs left the floating-point range.</summary>
    Diverged,

    /// <summary>The system or the device had no more memory to give.</summary>
    OutOfMemory,

    /// <summary>It used more memory than <see cref="PeftExperiment.SetMaximumMemoryUsageInMegaByte"/> allows.</summary>
    MemoryLimit,

    /// <summary>It took longer than <see cref="PeftExperiment.SetMaximumTrialTimeInSeconds"/> allows.</summary>
    TimeLimit,

    /// <summary>Anything else; the message says what.</summary>
    Error,
}
