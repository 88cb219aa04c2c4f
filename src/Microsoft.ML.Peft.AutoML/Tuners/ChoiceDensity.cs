using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>How often each choice was observed, and one observation spread over all as prior.</summary>
internal sealed class ChoiceDensity : IOptionDensity
{
    private readonly ChoiceDimension _option;
    private readonly Shares _shares;

    public ChoiceDensity(ChoiceDimension option, IEnumerable<object?> observations)
        => (_option, _shares) = (option, new Shares(option.Values.Count, observations.Select(option.IndexOf)));

    public object? Sample(Random random) => _option.Values[_shares.Sample(random)];

    public double Log(object? value) => _shares.Log(_option.IndexOf(value));
}
