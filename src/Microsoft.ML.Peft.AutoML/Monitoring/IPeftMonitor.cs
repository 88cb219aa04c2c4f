namespace Microsoft.ML.Peft.AutoML;

/// <summary>
/// Watches a search. Events come one after another, never two at a time. What a monitor throws ends the search, which another run can go
/// on with; <see cref="PeftExperimentFinished"/> then still reaches the other monitors, so that each can count on it.
/// </summary>
public interface IPeftMonitor
{
    /// <summary>Is called for every event, in order.</summary>
    /// <param name="e">One of the records derived from <see cref="PeftEvent"/>.</param>
    void Report(PeftEvent e);
}
