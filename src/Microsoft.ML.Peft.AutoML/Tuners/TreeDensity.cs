using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>The density of configurations in a conditional space: the share of the method times the densities of its options.</summary>
internal sealed class TreeDensity
{
    private readonly IReadOnlyList<MethodSpace> _spaces;
    private readonly Shares _methods;
    private readonly IOptionDensity[][] _options;

    public TreeDensity(IReadOnlyList<MethodSpace> spaces, IReadOnlyList<Configuration> observations)
    {
        _spaces = spaces;
        _methods = new Shares(spaces.Count, observations.Select(observation => IndexOf(observation.Space)));
        _options = [.. spaces.Select(space => Options(space, [.. observations.Where(observation => observation.Space.Method == space.Method)]))];
    }

    public Configuration Sample(Random random)
    {
        int method = _methods.Sample(random);
        return new Configuration(_spaces[method], [.. _options[method].Select(option => option.Sample(random))]);
    }

    public double Log(Configuration configuration)
    {
        int method = IndexOf(configuration.Space);
        return _methods.Log(method) + _options[method].Zip(configuration.Values, (option, value) => option.Log(value)).Sum();
    }

    private static IOptionDensity[] Options(MethodSpace space, Configuration[] observations)
        => [.. space.Dimensions.Select((dimension, i) => IOptionDensity.Of(dimension, observations.Select(observation => observation.Values[i])))];

    private int IndexOf(MethodSpace space)
    {
        for (int i = 0; i < _spaces.Count; i++)
        {
            if (_spaces[i].Method == space.Method)
                return i;
        }
        throw new ArgumentException($"The method '{space.Method}' is not searched.", nameof(space));
    }
}
