namespace Microsoft.ML.Peft;

/// <summary>How the learning rates fall after the warm-up.</summary>
public enum LearningRateSchedule
{
    /// <summary>In a straight line to zero at the last step.</summary>
    Linear,

    /// <summary>Along half a cosine wave to zero at the last step.</summary>
    Cosine,
}
