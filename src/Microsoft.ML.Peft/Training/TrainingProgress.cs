namespace Microsoft.ML.Peft;

/// <summary>Where training stands: told after every step to <see cref="SoftPromptOptions.Progress"/>.</summary>
/// <param name="Epoch">The current epoch, from 1.</param>
/// <param name="Epochs">How many epochs there are at most.</param>
/// <param name="Step">Steps done in all.</param>
/// <param name="Steps">Steps there are at most.</param>
/// <param name="Loss">The mean training loss of the current epoch so far (cross-entropy in nats, or squared error).</param>
/// <param name="Metric">The validation metric of the last finished epoch, see <see cref="TrainingHistory.MetricName"/>; null before it, and without validation rows.</param>
/// <param name="ExamplesPerSecond">Training speed since the start.</param>
/// <param name="Remaining">The expected time to the last step.</param>
public sealed record TrainingProgress(
    int Epoch, int Epochs, int Step, int Steps, double Loss, double? Metric, double ExamplesPerSecond, TimeSpan Remaining);
