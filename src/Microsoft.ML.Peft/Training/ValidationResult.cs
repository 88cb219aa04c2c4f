namespace Microsoft.ML.Peft.Training;

/// <summary>How good a soft prompt is on the validation rows.</summary>
/// <param name="Metric">The value that epochs are compared by, <see cref="TrainingTask.MetricName"/>.</param>
/// <param name="RougeL">ROUGE-L of the generated texts, 0 to 1; null where nothing is generated.</param>
internal sealed record ValidationResult(double Metric, double? RougeL = null);
