using System.Text.Json;

namespace Microsoft.ML.Peft.AutoML.Spaces;

/// <summary>Values without order: numbers, texts, truth values, enumerations, or null for "the option's own default".</summary>
internal sealed record ChoiceDimension : Dimension
{
    private readonly string[] _texts;

    /// <exception cref="ArgumentException">There are no values, or one appears twice.</exception>
    public ChoiceDimension(string name, IReadOnlyList<object?> values, object? @default) : base(name)
    {
        if (values.Count == 0)
            throw new ArgumentException($"The choices of {name} are empty; give at least one value.", nameof(values));
        _texts = [.. values.Select(Configuration.Text)];
        if (_texts.Distinct().Count() < _texts.Length)
            throw new ArgumentException($"The choices of {name} are {string.Join(", ", _texts)}; each may appear only once.", nameof(values));
        Values = values;
        int index = Array.IndexOf(_texts, Configuration.Text(@default));
        Default = values[Math.Max(index, 0)];
    }

    public IReadOnlyList<object?> Values { get; }

    /// <summary>The values as JSON, in the same order.</summary>
    public IReadOnlyList<string> Texts => _texts;

    public override object? Default { get; }

    public int IndexOf(object? value) => Array.IndexOf(_texts, Configuration.Text(value));

    public override object? At(double unit) => Values[Math.Min((int)(unit * Values.Count), Values.Count - 1)];

    public override IReadOnlyList<object?> Grid(int steps) => Values;

    public override object? Parse(JsonElement json)
    {
        int index = Array.IndexOf(_texts, Configuration.Text(json));
        return index >= 0 ? Values[index] : throw Foreign(json);
    }

    public override string Describe() => $"{{{string.Join(", ", _texts)}}}";
}
