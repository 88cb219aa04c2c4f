namespace Microsoft.ML.Peft.AutoML;

/// <summary>What a trial had achieved when it was judged.</summary>
/// <param name="Rung">The rung, from 0.</param>
/// <param name="Epochs">The epochs trained by then; 0 for a baseline.</param>
/// <param name="Metric">The metric that the experiment optimises, on the validation rows.</param>
/// <param name="Elapsed">How long the search had been running, interruptions left out.</param>
public sealed record PeftRungResult(int Rung, int Epochs, double Metric, TimeSpan Elapsed);
