namespace Microsoft.ML.Peft.Inference;

/// <summary>How the writing of a text went.</summary>
internal sealed class WritingCount
{
    /// <summary>The tokens written, the end token included.</summary>
    public int Tokens { get; set; }

    /// <summary>Whether the text came to its end, by an end token or a stop string, and not only to the most tokens allowed.</summary>
    public bool Ended { get; set; }
}
