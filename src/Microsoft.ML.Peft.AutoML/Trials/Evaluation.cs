namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>How good a model is on the validation rows, and how fast.</summary>
internal sealed record Evaluation(IReadOnlyDictionary<string, double> Metrics, double MillisecondsPerText)
{
    /// <summary>The means over the parts of a cross-validation.</summary>
    public static Evaluation Mean(IReadOnlyList<Evaluation> parts) => new(
        parts[0].Metrics.Keys.ToDictionary(name => name, name => parts.Average(part => part.Metrics[name])),
        parts.Average(part => part.MillisecondsPerText));
}
