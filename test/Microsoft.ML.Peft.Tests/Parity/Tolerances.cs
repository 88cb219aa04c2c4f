namespace Microsoft.ML.Peft.Tests.Parity;

/// <summary>How far our 32-bit numbers may be from the recorded ones; several times what other kernels of the same model differ by.</summary>
internal static class Tolerances
{
    public const double Logits = 1e-4;
    public const double Loss = 1e-5;

    /// <summary>Times the largest entry of the gradient.</summary>
    public const double Gradient = 1e-4;
    public const double TrainingLoss = 1e-4;

    /// <summary>Absolute: AdamW turns the rounding of nearly zero gradients into steps of the size of the learning rate.</summary>
    public const double FinalParameter = 2e-3;
    public const double TrainedLogits = 1e-3;
    public const double Prompt = 1e-6;
}
