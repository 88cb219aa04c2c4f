using System.Text.Json;
using Microsoft.ML.Peft.Checkpoints;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// How an adapter for language modelling was trained to be used, which Hugging Face's files have no place for. Lies as
/// `generation.json` beside the adapter.
/// </summary>
internal sealed record GenerationDescription
{
    public const string FileName = "generation.json";

    private static readonly JsonSerializerOptions Format = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>What a text is put into, see <see cref="Inference.PromptTemplate"/>.</summary>
    public required string PromptTemplate { get; init; }

    /// <summary>Longer prompts are cut to this many tokens; null where only the model's positions count.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>How to write.</summary>
    public required GenerationOptions Options { get; init; }

    public void WriteTo(string directory) =>
        AtomicFile.Write(Path.Combine(directory, FileName), stream => stream.Write(JsonSerializer.SerializeToUtf8Bytes(this, Format)));

    /// <summary>The description, or null if the directory has none.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static GenerationDescription? ReadFrom(string directory)
    {
        string path = Path.Combine(directory, FileName);
        return File.Exists(path) ? Parse(File.ReadAllBytes(path), path) : null;
    }

    private static GenerationDescription Parse(byte[] json, string source)
    {
        try
        {
            var description = JsonSerializer.Deserialize<GenerationDescription>(json, Format) ?? throw new JsonException("it is null");
            Inference.PromptTemplate.Parse(description.PromptTemplate);
            description.Options.Check();
            return description.MaxTokens is < 1 ? throw new JsonException($"max_tokens is {description.MaxTokens}") : description;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"'{source}' does not describe how to write: {e.Message}", e);
        }
    }
}
