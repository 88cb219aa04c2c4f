namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>Probabilities of categories by how often each was observed, with one observation spread over all as prior.</summary>
internal sealed class Shares
{
    private readonly double[] _probabilities;

    public Shares(int categories, IEnumerable<int> observations)
    {
        var counts = new double[categories];
        Array.Fill(counts, 1.0 / categories);
        foreach (int category in observations)
            counts[category]++;
        double sum = counts.Sum();
        _probabilities = [.. counts.Select(count => count / sum)];
    }

    public int Sample(Random random)
    {
        double left = random.NextDouble();
        for (int category = 0; category < _probabilities.Length - 1; category++)
        {
            if ((left -= _probabilities[category]) < 0)
                return category;
        }
        return _probabilities.Length - 1;
    }

    public double Log(int category) => Math.Log(_probabilities[category]);
}
