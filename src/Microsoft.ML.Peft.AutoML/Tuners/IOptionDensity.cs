using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>How likely the values of one option are, judging by observed ones.</summary>
internal interface IOptionDensity
{
    object? Sample(Random random);

    /// <summary>The logarithm of the density or probability, up to a constant that only depends on the option.</summary>
    double Log(object? value);

    static IOptionDensity Of(Dimension dimension, IEnumerable<object?> observations) => dimension switch
    {
        NumericDimension range => new NumericDensity(range, observations),
        ChoiceDimension choice => new ChoiceDensity(choice, observations),
        _ => throw new NotSupportedException(dimension.Describe()),
    };
}
