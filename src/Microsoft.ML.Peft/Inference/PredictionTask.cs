namespace Microsoft.ML.Peft;

/// <summary>What a soft prompt was trained to predict.</summary>
public enum PredictionTask
{
    /// <summary>One of several classes; from a label column of type Key.</summary>
    Multiclass,

    /// <summary>True or false; from a label column of type Boolean. A head has two outputs for it, as Hugging Face's.</summary>
    Binary,

    /// <summary>A number; from a label column of type Single.</summary>
    Regression,

    /// <summary>A text to write; from a label column of type Text. It has no head.</summary>
    Generation,
}
