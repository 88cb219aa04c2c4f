using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>A method that is searched.</summary>
/// <param name="Method">Its name.</param>
/// <param name="Options">Its searched options.</param>
public sealed record PeftSearchedMethod(string Method, IReadOnlyList<PeftSearchedOption> Options)
{
    internal static PeftSearchedMethod Of(MethodSpace space) => new(space.Method, [.. space.Dimensions.Select(dimension => dimension switch
    {
        NumericDimension range => new PeftSearchedOption(range.Name, range.Min, range.Max, range.Log, []),
        ChoiceDimension choice => new PeftSearchedOption(choice.Name, null, null, false, choice.Values),
        _ => throw new NotSupportedException(dimension.Describe()),
    })]);
}

/// <summary>An option that is searched: a range of numbers, or a few values.</summary>
/// <param name="Name">The option's name.</param>
/// <param name="Min">The smallest number; null for a choice.</param>
/// <param name="Max">The largest number; null for a choice.</param>
/// <param name="IsLog">Whether the range is searched on a logarithmic scale.</param>
/// <param name="Values">The values of a choice; empty for a range.</param>
public sealed record PeftSearchedOption(string Name, double? Min, double? Max, bool IsLog, IReadOnlyList<object?> Values);
