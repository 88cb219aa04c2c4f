namespace Microsoft.ML.Peft;

/// <summary>How the keys and values of prefix tuning start.</summary>
public enum PrefixInitialization
{
    /// <summary>All zeros: the prefix starts as an attention sink that adds nothing.</summary>
    Zeros,

    /// <summary>Standard normal random numbers, as in Li and Liang 2021 and in Hugging Face PEFT.</summary>
    Normal,

    /// <summary>
    /// The keys and values that the frozen model computes for a text, repeated or cut to the number of virtual tokens:
    /// <see cref="PrefixTuningOptions.InitializationText"/>, or training texts where that is null.
    /// </summary>
    Text,
}
