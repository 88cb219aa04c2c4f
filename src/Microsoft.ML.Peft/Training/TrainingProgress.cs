namespace Microsoft.ML.Peft.Training;

/// <summary>Where training stands: reported after every step.</summary>
/// <param name="Epoch">The current epoch, from 1.</param>
/// <param name="Epochs">How many epochs there are at most.</param>
/// <param name="Step">Steps done in all.</param>
/// <param name="Steps">Steps there are at most.</param>
/// <param name="Loss">The mean training loss of the current epoch so far.</param>
/// <param name="Metric">The validation metric of the last finished epoch, or null.</param>
/// <param name="ExamplesPerSecond">Training speed since the start.</param>
/// <param name="Remaining">The expected time to the last step.</param>
internal readonly record struct TrainingProgress(
    int Epoch, int Epochs, int Step, int Steps, double Loss, double? Metric, double ExamplesPerSecond, TimeSpan Remaining);
