namespace Microsoft.ML.Peft.Training;

/// <summary>A training's numbers have left the floating-point range: other settings may train all the same.</summary>
internal sealed class DivergedException(string message) : InvalidOperationException(message);
