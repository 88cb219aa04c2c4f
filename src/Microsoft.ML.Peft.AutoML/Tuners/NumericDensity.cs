using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>
/// The adaptive Parzen estimator of Bergstra et al. 2011 on the option's unit interval: one Gaussian for each observation, as wide as
/// the way to its neighbours, and one over the whole interval as prior, all cut at its ends.
/// </summary>
internal sealed class NumericDensity : IOptionDensity
{
    private readonly NumericDimension _option;
    private readonly double[] _means;
    private readonly double[] _deviations;
    private readonly double[] _masses;      // what lies within the interval

    public NumericDensity(NumericDimension option, IEnumerable<object?> observations)
    {
        _option = option;
        const double center = 0.5;
        _means = [.. observations.Select(value => option.UnitOf(value!)).Append(center).Order()];
        int prior = Array.IndexOf(_means, center);
        double narrowest = 1.0 / Math.Min(100, _means.Length + 1);
        _deviations = new double[_means.Length];
        for (int i = 0; i < _means.Length; i++)
        {
            double left = _means[i] - (i > 0 ? _means[i - 1] : 0), right = (i < _means.Length - 1 ? _means[i + 1] : 1) - _means[i];
            _deviations[i] = i == prior ? 1 : Math.Clamp(Math.Max(left, right), narrowest, 1);
        }
        _masses = [.. _means.Zip(_deviations, (mean, deviation) => Cumulative((1 - mean) / deviation) - Cumulative(-mean / deviation))];
    }

    public object? Sample(Random random)
    {
        int component = random.Next(_means.Length);
        while (true)
        {
            // Box and Muller's normal number; what falls outside is drawn again.
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            double unit = _means[component] + _deviations[component] * normal;
            if (unit is >= 0 and < 1)
                return _option.At(unit);
        }
    }

    public double Log(object? value)
    {
        double unit = _option.UnitOf(value!), sum = 0;
        for (int i = 0; i < _means.Length; i++)
        {
            double z = (unit - _means[i]) / _deviations[i];
            sum += Math.Exp(-0.5 * z * z) / (_deviations[i] * _masses[i]);
        }
        return Math.Log(sum / _means.Length);
    }

    /// <summary>The normal distribution function (Abramowitz and Stegun 26.2.17, error below 1e-7).</summary>
    private static double Cumulative(double z)
    {
        double t = 1 / (1 + 0.2316419 * Math.Abs(z));
        double tail = Math.Exp(-0.5 * z * z) / Math.Sqrt(2 * Math.PI)
            * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
        return z >= 0 ? 1 - tail : tail;
    }
}
