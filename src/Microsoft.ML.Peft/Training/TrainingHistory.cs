namespace Microsoft.ML.Peft;

/// <summary>One pass over the training rows.</summary>
/// <param name="Epoch">Its number, from 1.</param>
/// <param name="TrainingLoss">The mean loss over its training rows (cross-entropy in nats, or squared error).</param>
/// <param name="ValidationMetric">
/// <see cref="TrainingHistory.MetricName"/> on all validation rows after it; null without validation rows.
/// </param>
/// <param name="LearningRate">The soft prompt's learning rate at its end.</param>
/// <param name="Seconds">Its duration without validation.</param>
/// <param name="ExamplesPerSecond">Rows trained per second.</param>
/// <param name="TokensPerSecond">Real text tokens trained per second, virtual tokens and padding left out.</param>
public sealed record TrainingEpoch(
    int Epoch, double TrainingLoss, double? ValidationMetric, double LearningRate, double Seconds, double ExamplesPerSecond, double TokensPerSecond);

/// <summary>What happened while a soft prompt was trained.</summary>
public sealed record TrainingHistory
{
    /// <summary>The epochs in order.</summary>
    public required IReadOnlyList<TrainingEpoch> Epochs { get; init; }

    /// <summary>The number of the epoch whose soft prompt was kept; 0 means the start.</summary>
    public required int BestEpoch { get; init; }

    /// <summary>The validation metric's name: `Accuracy` or `RSquared`. Higher is better.</summary>
    public required string MetricName { get; init; }

    /// <summary>The kept soft prompt's metric on the validation rows; null without validation rows.</summary>
    public required double? ValidationMetric { get; init; }

    /// <summary>
    /// The linear probe's metric on the same rows: a linear model on the frozen model's embeddings, without any
    /// soft prompt. Null without validation rows.
    /// </summary>
    public required double? ProbeValidationMetric { get; init; }

    /// <summary>By how much the soft prompt beats the linear probe; negative if it does not. Null without validation rows.</summary>
    public double? ImprovementOverProbe => ValidationMetric - ProbeValidationMetric;
}
