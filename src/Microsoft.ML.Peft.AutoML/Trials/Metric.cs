namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>What a search optimises: a name among a trial's metrics, and which way is better.</summary>
internal sealed record Metric(string Name, bool LowerIsBetter = false)
{
    /// <summary>The metric as a score of which more is better.</summary>
    public double Score(double value) => LowerIsBetter ? -value : value;
}
