namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>Metrics of predicted values.</summary>
internal static class RegressionMetrics
{
    public const string RSquared = "RSquared";
    public const string RootMeanSquaredError = "RootMeanSquaredError";
    public const string MeanAbsoluteError = "MeanAbsoluteError";

    public static Dictionary<string, double> Of(float[] values, IReadOnlyList<float> labels)
    {
        double mean = labels.Average(label => (double)label);
        double squared = values.Zip(labels, (value, label) => Math.Pow(value - label, 2)).Average();
        double variance = labels.Average(label => Math.Pow(label - mean, 2));
        return new()
        {
            [RSquared] = variance > 0 ? 1 - squared / variance : double.NaN,
            [RootMeanSquaredError] = Math.Sqrt(squared),
            [MeanAbsoluteError] = values.Zip(labels, (value, label) => Math.Abs((double)value - label)).Average(),
        };
    }
}
