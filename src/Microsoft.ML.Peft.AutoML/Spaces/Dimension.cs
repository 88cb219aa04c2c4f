using System.Text.Json;

namespace Microsoft.ML.Peft.AutoML.Spaces;

/// <summary>One searched option: which values it takes, and how they lie on the unit interval that tuners draw from.</summary>
/// <param name="Name">The option's name, such as `LearningRate`.</param>
internal abstract record Dimension(string Name)
{
    /// <summary>The value that is tried first.</summary>
    public abstract object? Default { get; }

    /// <summary>The value at a point of the unit interval: each value's share of the interval is its probability under uniform sampling.</summary>
    public abstract object? At(double unit);

    /// <summary>At most so many values, spread evenly, both ends included; all values of a choice.</summary>
    public abstract IReadOnlyList<object?> Grid(int steps);

    /// <summary>The value that a log line holds.</summary>
    /// <exception cref="InvalidDataException">It is none of this option's values.</exception>
    public abstract object? Parse(JsonElement json);

    /// <summary>Its range in words, by which two searches are told apart.</summary>
    public abstract string Describe();

    private protected InvalidDataException Foreign(JsonElement json) => new($"{Name} = {json} is outside {Describe()}.");
}
