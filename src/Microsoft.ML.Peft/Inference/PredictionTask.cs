namespace Microsoft.ML.Peft.Inference;

/// <summary>What a head predicts. Binary is two classes, so that its head is what Hugging Face writes.</summary>
internal enum PredictionTask
{
    Multiclass,
    Binary,
    Regression,
}
