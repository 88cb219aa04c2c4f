namespace Microsoft.ML.Peft.Inference;

/// <summary>What is predicted. Binary is two classes, so that its head is what Hugging Face writes; generation has no head.</summary>
internal enum PredictionTask
{
    Multiclass,
    Binary,
    Regression,
    Generation,
}
