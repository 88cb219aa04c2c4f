using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.Peft.AutoML.Spaces;

/// <summary>A method with one value for each of its searched options.</summary>
internal sealed class Configuration(MethodSpace space, IReadOnlyList<object?> values) : IEquatable<Configuration>
{
    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    public MethodSpace Space { get; } = space;

    /// <summary>In the order of <see cref="MethodSpace.Dimensions"/>.</summary>
    public IReadOnlyList<object?> Values { get; } = values;

    /// <summary>Equal for equal configurations, whatever process made them.</summary>
    public string Key => field ??= $"{Space.Method}({string.Join(", ", Space.Dimensions.Zip(Values, (dimension, value) => $"{dimension.Name}={Text(value)}"))})";

    public bool Equals(Configuration? other) => other is not null && Key == other.Key;

    public override bool Equals(object? obj) => Equals(obj as Configuration);

    public override int GetHashCode() => Key.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Key;

    /// <summary>A value as JSON: numbers round-trip, enumerations are their names.</summary>
    public static string Text(object? value) => JsonSerializer.Serialize(value, Json);

    public Dictionary<string, JsonElement> ToJson()
        => Space.Dimensions.Zip(Values).ToDictionary(pair => pair.First.Name, pair => JsonSerializer.SerializeToElement(pair.Second, Json));

    /// <exception cref="InvalidDataException">An option is missing, or has a value outside its range.</exception>
    public static Configuration Parse(MethodSpace space, IReadOnlyDictionary<string, JsonElement> json)
    {
        object? Value(Dimension dimension) => json.TryGetValue(dimension.Name, out var value)
            ? dimension.Parse(value)
            : throw new InvalidDataException($"{dimension.Name} is missing for {space.Method}.");
        return new Configuration(space, [.. space.Dimensions.Select(Value)]);
    }
}
