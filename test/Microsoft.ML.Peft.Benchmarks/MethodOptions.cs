using System.ComponentModel;
using System.Reflection;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>From the command line's words to an options object.</summary>
internal static class MethodOptions
{
    public static string[] Methods { get; } = ["prompt", "prefix", "prefix-projected", "ptuning-mlp", "ptuning-lstm"];

    public static SoftPromptOptions Create(string method, IEnumerable<string> assignments)
    {
        SoftPromptOptions options = method switch
        {
            "prompt" => new PromptTuningOptions(),
            "prefix" => new PrefixTuningOptions(),
            "prefix-projected" => new PrefixTuningOptions { Projection = true },
            "ptuning-mlp" => new PTuningOptions { Encoder = PromptEncoder.Mlp },
            "ptuning-lstm" => new PTuningOptions { Encoder = PromptEncoder.Lstm },
            _ => throw new ArgumentException($"There is no method '{method}'; choose one of {string.Join(", ", Methods)}."),
        };
        foreach (string assignment in assignments)
            Assign(options, assignment);
        return options;
    }

    private static void Assign(SoftPromptOptions options, string assignment)
    {
        if (assignment.Split('=', 2) is not [var name, var text])
            throw new ArgumentException($"'{assignment}' is not of the form name=value.");
        var property = options.GetType().GetProperties().FirstOrDefault(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase) && p.CanWrite && IsText(p))
            ?? throw new ArgumentException($"{options.GetType().Name} has no option '{name}'; its options are {string.Join(", ", Settable(options))}.");
        property.SetValue(options, Convert(property, text));
    }

    private static object? Convert(PropertyInfo property, string text)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        try
        {
            return TypeDescriptor.GetConverter(type).ConvertFromInvariantString(text);
        }
        // Converters wrap what went wrong in exceptions of any type.
        catch (Exception e)
        {
            string expected = type.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(type)) : $"a value of type {type.Name}";
            throw new ArgumentException($"{property.Name} = '{text}' cannot be read; give {expected}.", e);
        }
    }

    /// <summary>Whether the option can be written as text: a data view cannot.</summary>
    private static bool IsText(PropertyInfo property) => TypeDescriptor.GetConverter(property.PropertyType).CanConvertFrom(typeof(string));

    private static IEnumerable<string> Settable(SoftPromptOptions options) => options.GetType().GetProperties()
        .Where(property => property.CanWrite && IsText(property))
        .Select(property => property.Name)
        .Order();

    /// <summary>The directory's or the file's own name.</summary>
    public static string ModelName(PretrainedModel backbone) => Path.GetFileName(backbone.Directory);

    public static IEstimator<SoftPromptTransformer> Estimator(MLContext context, SoftPromptOptions options) => options switch
    {
        PromptTuningOptions prompt => context.Transforms.PromptTuning(prompt),
        PrefixTuningOptions prefix => context.Transforms.PrefixTuning(prefix),
        PTuningOptions pTuning => context.Transforms.PTuning(pTuning),
        _ => throw new ArgumentException($"{options.GetType().Name} belongs to no method."),
    };
}
