namespace CrossValidation;

/// <summary>Rows whose likeliest class has a probability within a tenth.</summary>
/// <param name="Confidence">The mean probability of the likeliest class, 0 to 1.</param>
/// <param name="Accuracy">How many of the rows are of that class, 0 to 1.</param>
/// <param name="Rows">The number of rows, at least 1.</param>
internal sealed record Bin(double Confidence, double Accuracy, int Rows);

/// <summary>Whether probabilities mean what they say: of the rows said to be right with 80 %, 80 % should be.</summary>
internal sealed record Calibration(IReadOnlyList<Bin> Bins)
{
    private const int Most = 10;

    /// <summary>The expected calibration error (Naeini et al. 2015): the gap of confidence and accuracy, averaged over all rows.</summary>
    public double Error => Bins.Sum(bin => bin.Rows * Math.Abs(bin.Confidence - bin.Accuracy)) / Bins.Sum(bin => bin.Rows);

    public static Calibration Of(IEnumerable<Prediction> predictions) => new([.. predictions
        .Select(prediction => (Confidence: (double)prediction.Score.Max(), IsRight: prediction.PredictedLabel == prediction.Label))
        .GroupBy(row => Math.Min((int)(row.Confidence * Most), Most - 1))
        .OrderBy(bin => bin.Key)
        .Select(bin => new Bin(bin.Average(row => row.Confidence), bin.Average(row => row.IsRight ? 1.0 : 0.0), bin.Count()))]);
}
