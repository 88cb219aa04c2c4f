namespace Microsoft.ML.Peft.AutoML;

/// <summary>A point of a trial's learning curve.</summary>
/// <param name="Epoch">The number of the epoch, from 1.</param>
/// <param name="TrainingLoss">The mean loss over its training rows.</param>
/// <param name="Metric">The training's own validation metric after it (accuracy, R² or loss); null without validation rows.</param>
/// <param name="Seconds">Its duration.</param>
public sealed record PeftEpoch(int Epoch, double TrainingLoss, double? Metric, double Seconds);
