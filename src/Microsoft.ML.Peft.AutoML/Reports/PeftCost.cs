namespace Microsoft.ML.Peft.AutoML;

/// <summary>What a better metric may be weighed against.</summary>
public enum PeftCost
{
    /// <summary>The size of the adapter's files in kilobytes (1000 bytes).</summary>
    AdapterKilobytes,

    /// <summary>
    /// The time of a prediction in milliseconds per text. It is measured, so a search that weighs it is not repeatable to the bit.
    /// </summary>
    MillisecondsPerText,
}
