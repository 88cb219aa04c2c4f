namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>What a trial, or a baseline, has achieved when it stops.</summary>
/// <param name="Epochs">The epochs trained in all; fewer than asked for if it stopped early.</param>
/// <param name="Metrics">All metrics on the validation rows, of the best epoch.</param>
/// <param name="Seconds">The time trained in all.</param>
/// <param name="AdapterBytes">The size of the adapter's files.</param>
/// <param name="MillisecondsPerText">The time of a prediction, measured on the validation rows.</param>
internal sealed record TrialReport(int Epochs, IReadOnlyDictionary<string, double> Metrics, double Seconds, long AdapterBytes, double MillisecondsPerText)
{
    /// <summary>The epochs that the same training is worth on more rows: all of them, or up to the best where it stopped early.</summary>
    public int WorthwhileEpochs { get; init; }

    /// <summary>What its calibration multiplied the logits by.</summary>
    public double InverseTemperature { get; init; } = 1;
}
