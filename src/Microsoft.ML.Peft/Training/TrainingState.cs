namespace Microsoft.ML.Peft.Training;

/// <summary>Where a <see cref="TrainingSession"/> stands between two epochs, tensors left out.</summary>
internal sealed record TrainingState
{
    /// <summary>The epochs run so far; the row orders that they drew are drawn again on resuming.</summary>
    public required IReadOnlyList<TrainingEpoch> Epochs { get; init; }

    /// <summary>The epochs there are at most.</summary>
    public required int MaxEpochs { get; init; }

    /// <summary>Updates made so far.</summary>
    public required int Steps { get; init; }

    /// <summary>Rows trained so far, each as often as it was.</summary>
    public required long Examples { get; init; }

    /// <summary>How long that took.</summary>
    public required TimeSpan Elapsed { get; init; }

    public required int BestEpoch { get; init; }

    /// <summary>Null without validation rows.</summary>
    public required ValidationResult? Best { get; init; }

    /// <summary>Null without validation rows.</summary>
    public required double? Baseline { get; init; }

    /// <summary>The parts' size that memory was found to suffice for; null where that was never asked.</summary>
    public int? MicroBatchTokens { get; init; }

    /// <summary>Whether no epoch is left to run.</summary>
    public required bool Ended { get; init; }
}
