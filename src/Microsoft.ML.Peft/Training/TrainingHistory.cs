namespace Microsoft.ML.Peft;

/// <summary>One pass over the training rows.</summary>
/// <param name="Epoch">Its number, from 1.</param>
/// <param name="TrainingLoss">The mean loss over its training rows, or over their target tokens (cross-entropy in nats, or squared error).</param>
/// <param name="ValidationMetric">
/// <see cref="TrainingHistory.MetricName"/> on all validation rows after it; null without validation rows.
/// </param>
/// <param name="LearningRate">The soft prompt's learning rate at its end.</param>
/// <param name="Seconds">Its duration without validation.</param>
/// <param name="ExamplesPerSecond">Rows trained per second.</param>
/// <param name="TokensPerSecond">Real text tokens trained per second, virtual tokens and padding left out.</param>
public sealed record TrainingEpoch(
    int Epoch, double TrainingLoss, double? ValidationMetric, double LearningRate, double Seconds, double ExamplesPerSecond, double TokensPerSecond)
{
    /// <summary>ROUGE-L (0 to 1) of texts generated for validation rows after it; null for classification and regression, and without validation rows.</summary>
    public double? ValidationRougeL { get; init; }
}

/// <summary>What happened while a soft prompt was trained.</summary>
public sealed record TrainingHistory
{
    /// <summary>That of an adapter, which does not tell it.</summary>
    internal static TrainingHistory Unknown { get; } = new() { Epochs = [], BestEpoch = 0, MetricName = "", ValidationMetric = null, ProbeValidationMetric = null };

    /// <summary>The epochs in order; empty for an adapter, whose training is not known.</summary>
    public required IReadOnlyList<TrainingEpoch> Epochs { get; init; }

    /// <summary>The number of the epoch whose soft prompt was kept; 0 means the start.</summary>
    public required int BestEpoch { get; init; }

    /// <summary>The validation metric's name: `Accuracy` or `RSquared`, of which more is better, or in generation `Loss`, of which less is.</summary>
    public required string MetricName { get; init; }

    /// <summary>The kept soft prompt's metric on the validation rows; null without validation rows.</summary>
    public required double? ValidationMetric { get; init; }

    /// <summary>
    /// The linear probe's metric on the same rows: a linear model on the frozen model's embeddings, without any
    /// soft prompt. Null in generation and without validation rows.
    /// </summary>
    public required double? ProbeValidationMetric { get; init; }

    /// <summary>By how much the soft prompt beats the linear probe; negative if it does not. Null in generation and without validation rows.</summary>
    public double? ImprovementOverProbe => ValidationMetric - ProbeValidationMetric;

    /// <summary>ROUGE-L (0 to 1) of texts that the kept soft prompt generates for validation rows; null for classification and regression.</summary>
    public double? ValidationRougeL { get; init; }

    /// <summary>What calibration has multiplied the logits by; 1 where it has not.</summary>
    internal double InverseTemperature { get; init; } = 1;

    /// <summary>The frozen model's own loss on the validation rows, without a soft prompt; null for classification and regression.</summary>
    public double? BaseValidationLoss { get; init; }
}
