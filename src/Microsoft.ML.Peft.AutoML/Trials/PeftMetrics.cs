using Microsoft.ML.Peft.AutoML.Trials;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>What a search of a multiclass classifier optimises.</summary>
public enum PeftMulticlassMetric
{
    /// <summary>The fraction of rows predicted right.</summary>
    MicroAccuracy,

    /// <summary>The mean over the classes of the fraction of each class's rows predicted right.</summary>
    MacroAccuracy,

    /// <summary>The mean cross-entropy in nats; less is better.</summary>
    LogLoss,

    /// <summary>The mean over the classes of the harmonic mean of precision and recall.</summary>
    F1Score,

    /// <summary>The mean over the classes of the area under the curve of each class against the others.</summary>
    AreaUnderRocCurve,
}

/// <summary>What a search of a binary classifier optimises.</summary>
public enum PeftBinaryMetric
{
    /// <summary>The fraction of rows predicted right.</summary>
    Accuracy,

    /// <summary>The probability that a positive row scores higher than a negative one.</summary>
    AreaUnderRocCurve,

    /// <summary>The harmonic mean of the positive class's precision and recall.</summary>
    F1Score,

    /// <summary>The mean cross-entropy in nats; less is better.</summary>
    LogLoss,
}

/// <summary>What a search of a regression optimises.</summary>
public enum PeftRegressionMetric
{
    /// <summary>The part of the variance that is explained, at most 1.</summary>
    RSquared,

    /// <summary>The root of the mean squared error; less is better.</summary>
    RootMeanSquaredError,

    /// <summary>The mean absolute error; less is better.</summary>
    MeanAbsoluteError,
}

/// <summary>What a search of a text writer optimises.</summary>
public enum PeftGenerationMetric
{
    /// <summary>The mean cross-entropy in nats of the tokens to write; less is better.</summary>
    Loss,

    /// <summary>ROUGE-L of written texts, 0 to 1. Writing takes long, so it is computed on at most 64 validation rows.</summary>
    RougeL,
}
