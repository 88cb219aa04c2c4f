using System.ComponentModel;

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
        var property = options.GetType().GetProperties().FirstOrDefault(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase) && p.CanWrite)
            ?? throw new ArgumentException($"{options.GetType().Name} has no option '{name}'.");
        property.SetValue(options, TypeDescriptor.GetConverter(property.PropertyType).ConvertFromInvariantString(text));
    }

    public static IEstimator<SoftPromptTransformer> Estimator(MLContext context, SoftPromptOptions options) => options switch
    {
        PromptTuningOptions prompt => context.Transforms.PromptTuning(prompt),
        PrefixTuningOptions prefix => context.Transforms.PrefixTuning(prefix),
        PTuningOptions pTuning => context.Transforms.PTuning(pTuning),
        _ => throw new ArgumentException($"{options.GetType().Name} belongs to no method."),
    };
}
