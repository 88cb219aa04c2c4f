using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>What is known of a model and its training, in the words of ML.NET Model Builder; the content of an `.mbconfig` file. Code is generated from it alone.</summary>
internal sealed record TrainingConfig
{
    public const string FileEnding = ".mbconfig";

    private const string Kind = "PeftTrainingConfig";
    private const int CurrentVersion = 1;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { OptionsJson.Shape } },
    };

    public string Type { get; init; } = Kind;

    public int Version { get; init; } = CurrentVersion;

    /// <summary>The model's class.</summary>
    public required string Name { get; init; }

    /// <summary>What the project is.</summary>
    public required ProjectKind Project { get; init; }

    /// <summary>What the model predicts.</summary>
    public required PredictionTask Scenario { get; init; }

    /// <summary>The rows that it was trained on; null where they were not given.</summary>
    public DataSource? DataSource { get; init; }

    /// <summary>The method with its options and columns.</summary>
    public required SoftPromptOptions TrainingOption { get; init; }

    /// <summary>Whether <see cref="TrainingOption"/> is all that the training was given, or only what a saved model tells of it.</summary>
    public required bool KnowsAllOptions { get; init; }

    /// <summary>What was trained, and how good it was; null where that is not known.</summary>
    public RunHistory? RunHistory { get; init; }

    /// <summary>A row's texts, to show the model with.</summary>
    public required IReadOnlyList<string> Example { get; init; }

    /// <summary>A fingerprint of each generated file: one that has been changed is not replaced unasked.</summary>
    public IReadOnlyDictionary<string, string> Files { get; init; } = new Dictionary<string, string>();

    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    /// <exception cref="InvalidDataException">It is no such file.</exception>
    public static TrainingConfig Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<TrainingConfig>(File.ReadAllBytes(path), Json) is { Type: Kind, Version: CurrentVersion } config
                ? config
                : throw new JsonException($"its type is not {Kind}, version {CurrentVersion}");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}' is no training configuration that peftml has written: {e.Message}", e);
        }
    }
}
