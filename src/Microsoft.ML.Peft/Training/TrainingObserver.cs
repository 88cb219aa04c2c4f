namespace Microsoft.ML.Peft.Training;

/// <summary>Callbacks of a running training. All are called on the training thread.</summary>
/// <param name="Progress">After every step.</param>
/// <param name="Log">A line for the user's log.</param>
/// <param name="CheckCancelled">Before every step; throws <see cref="OperationCanceledException"/> to stop.</param>
internal sealed record TrainingObserver(Action<TrainingProgress> Progress, Action<string> Log, Action CheckCancelled);
