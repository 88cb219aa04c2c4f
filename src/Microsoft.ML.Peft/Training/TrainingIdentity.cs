using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Peft.Methods;

namespace Microsoft.ML.Peft.Training;

/// <summary>What a training is of: its options, frozen model and rows. A checkpoint can be resumed by the same training only.</summary>
/// <param name="Parts">Named values; what is compared and what a message names.</param>
internal sealed record TrainingIdentity(IReadOnlyDictionary<string, string> Parts)
{
    private const int LongestShown = 60;

    private static readonly JsonSerializerOptions Format = new() { Converters = { new JsonStringEnumConverter() }, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <param name="backbone">The frozen model.</param>
    /// <param name="method">The soft prompt.</param>
    /// <param name="settings">How it is trained.</param>
    /// <param name="others">What else there is, the rows' fingerprints above all.</param>
    public static TrainingIdentity Of(PretrainedModel backbone, MethodSettings method, TrainingSettings settings, IEnumerable<KeyValuePair<string, string>> others)
    {
        IEnumerable<KeyValuePair<string, string>> common =
        [
            new("Model", backbone.Fingerprint), new("Precision", backbone.Precision.ToString()), new("Method", method.GetType().Name.Replace("Settings", "", StringComparison.Ordinal)),
        ];
        return new TrainingIdentity(common.Concat(Options(method)).Concat(Options(settings)).Concat(others).ToDictionary(StringComparer.Ordinal));
    }

    /// <summary>A value of this identity, or null.</summary>
    public string? this[string part] => Parts.GetValueOrDefault(part);

    /// <summary>A clause for each part in which a saved training differs from this one.</summary>
    public IEnumerable<string> Differences(TrainingIdentity saved) =>
        from part in Parts.Keys.Union(saved.Parts.Keys).Order(StringComparer.Ordinal)
        where this[part] != saved[part]
        select $"{part} is {Shown(saved[part])} there and {Shown(this[part])} here";

    private static IEnumerable<KeyValuePair<string, string>> Options(object settings) => JsonSerializer.SerializeToElement(settings, settings.GetType(), Format)
        .EnumerateObject().Select(option => KeyValuePair.Create(option.Name, option.Value.GetRawText()));

    private static string Shown(string? value) => value is null ? "nothing" : value.Length <= LongestShown ? value : value[..LongestShown] + "…";
}
