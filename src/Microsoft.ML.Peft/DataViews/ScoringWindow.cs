namespace Microsoft.ML.Peft.DataViews;

/// <summary>
/// How many rows are read ahead and scored together. The model sorts them by length, and the more there are, the more are alike; who stops
/// after a few rows should not wait for many. So windows grow: at first few rows, then twice as many each time.
/// </summary>
/// <param name="First">The rows of the first window.</param>
/// <param name="Most">The rows of the largest, which bounds what is buffered.</param>
internal readonly record struct ScoringWindow(int First, int Most)
{
    public static ScoringWindow Scoring { get; } = new(256, 1024);

    /// <summary>Written texts take seconds each.</summary>
    public static ScoringWindow Writing { get; } = new(32, 32);

    /// <summary>The window that follows one of so many rows.</summary>
    public int After(int rows) => Math.Min(2 * rows, Most);
}
