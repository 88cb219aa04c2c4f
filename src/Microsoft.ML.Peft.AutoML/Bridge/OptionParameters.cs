using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;
// Within Microsoft.ML the simple name is the namespace.
using Space = Microsoft.ML.SearchSpace.SearchSpace;

namespace Microsoft.ML.Peft.AutoML.Bridge;

/// <summary>A method's options as Microsoft.ML.AutoML sees them: a search space with an option for each dimension, and parameters of these names.</summary>
internal static class OptionParameters
{
    public static Space ToSearchSpace(MethodSpace method)
    {
        var space = new Space();
        foreach (var dimension in method.Dimensions)
            space.Add(dimension.Name, ToOption(dimension));
        return space;
    }

    public static Parameter ToParameter(Configuration configuration)
    {
        var parameter = Parameter.CreateNestedParameter();
        foreach (var (dimension, value) in configuration.Space.Dimensions.Zip(configuration.Values))
        {
            parameter[dimension.Name] = (dimension, value) switch
            {
                (ChoiceDimension choice, _) => Parameter.FromString(choice.Texts[choice.IndexOf(value)]),
                (_, int number) => Parameter.FromInt(number),
                (_, double number) => Parameter.FromDouble(number),
                _ => throw new NotSupportedException(dimension.Describe()),
            };
        }
        return parameter;
    }

    public static Configuration ToConfiguration(MethodSpace method, Parameter parameter) => new(method, [.. method.Dimensions.Select(dimension => dimension switch
    {
        ChoiceDimension choice => choice.Values[IndexOf(choice, parameter[choice.Name].AsType<string>())],
        // Logarithms may put an end of a range a little outside.
        NumericDimension { Integer: true } range => range.Nearest(parameter[range.Name].AsType<int>()),
        NumericDimension range => range.Nearest(parameter[range.Name].AsType<double>()),
        _ => throw new NotSupportedException(dimension.Describe()),
    })]);

    // An integer's maximum is exclusive there. Choices are JSON texts, because null is none of theirs.
    private static OptionBase ToOption(Dimension dimension) => dimension switch
    {
        NumericDimension { Integer: true } range => new UniformIntOption((int)range.Min, (int)range.Max + 1, range.Log, (int)range.Default),
        NumericDimension range => new UniformDoubleOption(range.Min, range.Max, range.Log, (double)range.Default),
        ChoiceDimension choice => new ChoiceOption([.. choice.Texts], choice.Texts[choice.IndexOf(choice.Default)]),
        _ => throw new NotSupportedException(dimension.Describe()),
    };

    private static int IndexOf(ChoiceDimension choice, string text) => choice.Texts.ToList().IndexOf(text) is >= 0 and var index ? index
        : throw new ArgumentException($"{choice.Name} is {text}; it must be one of {string.Join(", ", choice.Texts)}.");
}
