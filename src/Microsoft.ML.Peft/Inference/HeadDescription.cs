using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// What Hugging Face's files have no place for: the task, the pooling, the label names and the longest text. Lies as
/// `head.json` beside the adapter.
/// </summary>
internal sealed record HeadDescription
{
    public const string FileName = "head.json";

    /// <summary>Where the head's tensors lie when its pooling is not Hugging Face's own: there they would be misread.</summary>
    public const string TensorsFileName = "head.safetensors";

    private static readonly JsonSerializerOptions Format = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    public required PredictionTask Task { get; init; }

    /// <summary>Resolved: not <see cref="Pooling.Auto"/>.</summary>
    public required Pooling Pooling { get; init; }

    /// <summary>In class order; null where unknown.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>Longer texts are cut to this many tokens; null where only the model's positions count.</summary>
    public int? MaxTokens { get; init; }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Format);

    public static HeadDescription Parse(byte[] json, string source)
    {
        try
        {
            var head = JsonSerializer.Deserialize<HeadDescription>(json, Format);
            if (head is null || head.Pooling == Pooling.Auto || !Enum.IsDefined(head.Pooling) || !Enum.IsDefined(head.Task) || head.MaxTokens < 3 || head.Labels?.Contains(null!) == true)
                throw new JsonException("task, pooling, max_tokens or labels has no valid value");
            return head;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{source}' does not describe a head: {e.Message}.", e);
        }
    }
}
