using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>The density of a method's configurations: the product of its options' densities.</summary>
internal sealed class MethodDensity(MethodSpace space, IReadOnlyList<Configuration> observations)
{
    private readonly IOptionDensity[] _options =
        [.. space.Dimensions.Select((dimension, i) => IOptionDensity.Of(dimension, observations.Select(observation => observation.Values[i])))];

    public Configuration Sample(Random random) => new(space, [.. _options.Select(option => option.Sample(random))]);

    public double Log(Configuration configuration) => _options.Zip(configuration.Values, (option, value) => option.Log(value)).Sum();
}
