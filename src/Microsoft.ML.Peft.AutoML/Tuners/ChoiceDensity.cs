using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>How often each choice was observed, and one observation spread over all as prior.</summary>
internal sealed class ChoiceDensity : IOptionDensity
{
    private readonly ChoiceDimension _option;
    private readonly double[] _probabilities;

    public ChoiceDensity(ChoiceDimension option, IEnumerable<object?> observations)
    {
        _option = option;
        var counts = new double[option.Values.Count];
        Array.Fill(counts, 1.0 / counts.Length);
        foreach (object? value in observations)
            counts[option.IndexOf(value)]++;
        double sum = counts.Sum();
        _probabilities = [.. counts.Select(count => count / sum)];
    }

    public object? Sample(Random random)
    {
        double left = random.NextDouble();
        for (int choice = 0; choice < _probabilities.Length - 1; choice++)
        {
            if ((left -= _probabilities[choice]) < 0)
                return _option.Values[choice];
        }
        return _option.Values[^1];
    }

    public double Log(object? value) => Math.Log(_probabilities[_option.IndexOf(value)]);
}
