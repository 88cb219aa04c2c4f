using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Peft.Checkpoints;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// How a language model classifies by label words, which Hugging Face's files have no place for. Lies as `label_words.json` beside an
/// adapter that is an ordinary one for language modelling.
/// </summary>
internal sealed record LabelWordsDescription
{
    public const string FileName = "label_words.json";

    private static readonly JsonSerializerOptions Format = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        RespectNullableAnnotations = true,
    };

    /// <summary>Multiclass or binary.</summary>
    public required PredictionTask Task { get; init; }

    /// <summary>What a text is put into, see <see cref="Inference.PromptTemplate"/>.</summary>
    public required string PromptTemplate { get; init; }

    /// <summary>Longer prompts are cut to this many tokens; null where only the model's positions count.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>The label names in class order.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <summary>The words of each class.</summary>
    public required IReadOnlyList<string> Words { get; init; }

    /// <summary>What scores are multiplied by so that probabilities mean what they say: the inverse temperature.</summary>
    public double Scale { get; init; } = 1;

    public void WriteTo(string directory) =>
        AtomicFile.Write(Path.Combine(directory, FileName), stream => stream.Write(JsonSerializer.SerializeToUtf8Bytes(this, Format)));

    /// <summary>The description, or null if the directory has none.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static LabelWordsDescription? ReadFrom(string directory)
    {
        string path = Path.Combine(directory, FileName);
        return File.Exists(path) ? Parse(File.ReadAllBytes(path), path) : null;
    }

    private static LabelWordsDescription Parse(byte[] json, string source)
    {
        try
        {
            var description = JsonSerializer.Deserialize<LabelWordsDescription>(json, Format) ?? throw new JsonException("it is null");
            Inference.PromptTemplate.Parse(description.PromptTemplate);
            bool valid = description.Task is PredictionTask.Multiclass or PredictionTask.Binary && description.Words.Count == description.Labels.Count && description.Words.Count >= 2
                && !description.Words.Concat(description.Labels).Contains(null!) && double.IsFinite(description.Scale) && description.MaxTokens is null or >= 1;
            return valid ? description : throw new JsonException("task, labels, words, scale or max_tokens has no valid value");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"'{source}' does not describe label words: {e.Message}", e);
        }
    }
}
