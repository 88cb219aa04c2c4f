namespace Microsoft.ML.Peft.AutoML.Spaces;

/// <summary>
/// A method with the options that are searched under it. Several of them are a conditional space: first a method, then the options
/// that only it has.
/// </summary>
/// <param name="Method">The method's name, unique in a search.</param>
/// <param name="Dimensions">Its options; none if only its defaults are tried.</param>
internal sealed record MethodSpace(string Method, IReadOnlyList<Dimension> Dimensions)
{
    public Configuration Default => new(this, [.. Dimensions.Select(dimension => dimension.Default)]);

    /// <summary>A line by which two searches are told apart.</summary>
    public string Describe() => $"{Method}: {string.Join(", ", Dimensions.Select(dimension => $"{dimension.Name} {dimension.Describe()}"))}";
}
