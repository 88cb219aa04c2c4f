namespace Microsoft.ML.Peft.Tokenization.PreTokenizers;

/// <summary>What becomes of the delimiters when a text is split.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}
