namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>
/// Decides what to run next, from what has happened alone: without clock, without own state, with random numbers that only depend on
/// the search's seed and the number of the trial.
/// </summary>
internal interface ITuner
{
    /// <summary>Its name and settings, by which two searches are told apart.</summary>
    string Description { get; }

    /// <summary>The epochs after which a trial is judged, ascending; the last is its full training.</summary>
    IReadOnlyList<int> Rungs { get; }

    /// <summary>Null if there is nothing to do before another trial reports, or at all if none is running.</summary>
    /// <param name="history">What has happened.</param>
    /// <param name="mayStart">Whether new trials may be started.</param>
    Assignment? Next(SearchHistory history, bool mayStart);

    /// <summary>What to do so that a search ends with a trial that was trained to the end: null if there is one or one is under way, or if none can be.</summary>
    /// <param name="history">What has happened.</param>
    Assignment? Finish(SearchHistory history);
}
