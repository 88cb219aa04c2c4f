using System.Globalization;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Peft.Inference;

/// <summary>A conversation and how to answer it, in this library's terms.</summary>
internal sealed record ChatRequest(IReadOnlyList<ChatTurn> Turns, GenerationOptions Options)
{
    /// <param name="messages">The conversation.</param>
    /// <param name="options">How to answer, or null.</param>
    /// <param name="client">The client that is asked.</param>
    /// <param name="modelId">The client's model.</param>
    /// <param name="defaults">How to answer where nothing is said.</param>
    /// <exception cref="ArgumentException">There is no message.</exception>
    /// <exception cref="NotSupportedException">Something is asked for that no language model here does.</exception>
    public static ChatRequest Create(IEnumerable<ChatMessage> messages, ChatOptions? options, IChatClient client, string modelId, GenerationOptions defaults)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var turns = messages.Select(Turn).ToList();
        if (turns.Count == 0)
            throw new ArgumentException("There are no messages to answer; give at least one of the user.", nameof(messages));
        if (options?.Instructions is { Length: > 0 } instructions)
            turns.Insert(0, new ChatTurn(ChatSpeaker.System, instructions));
        return new ChatRequest(turns, ToGenerationOptions(options, client, modelId, defaults));
    }

    private static ChatTurn Turn(ChatMessage message)
    {
        var speaker = message.Role == ChatRole.System ? ChatSpeaker.System
            : message.Role == ChatRole.User ? ChatSpeaker.User
            : message.Role == ChatRole.Assistant ? ChatSpeaker.Assistant
            : throw new NotSupportedException($"Messages of the role '{message.Role}' are not supported; system, user and assistant are.");
        // What a model has thought is no part of what it has said.
        var other = message.Contents.FirstOrDefault(content => content is not (TextContent or TextReasoningContent));
        if (other is not null)
            throw new NotSupportedException($"A message has content of the type {other.GetType().Name}; only texts are supported (TextContent).");
        return new ChatTurn(speaker, string.Concat(message.Contents.OfType<TextContent>().Select(content => content.Text)));
    }

    private static GenerationOptions ToGenerationOptions(ChatOptions? options, IChatClient client, string modelId, GenerationOptions defaults)
    {
        if (options is null)
            return defaults;
        CheckSupported(options, modelId);
        // This way a caller reaches what ChatOptions has no place for.
        var given = options.RawRepresentationFactory?.Invoke(client) as GenerationOptions ?? defaults;
        return given with
        {
            Temperature = options.Temperature is { } temperature ? Exact(temperature) : given.Temperature,
            TopK = options.TopK ?? given.TopK,
            TopP = options.TopP is { } topP ? Exact(topP) : given.TopP,
            MaxNewTokens = options.MaxOutputTokens ?? given.MaxNewTokens,
            StopStrings = options.StopSequences is { } stops ? [.. stops] : given.StopStrings,
            Seed = options.Seed is { } seed ? unchecked((int)(seed ^ (seed >> 32))) : given.Seed,
        };
    }

    /// <summary>The number that was written: 0.7f as it stands is 0.699999988.</summary>
    private static double Exact(float value) => double.Parse(value.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static void CheckSupported(ChatOptions options, string modelId)
    {
        Refuse(nameof(options.Tools), options.Tools is { Count: > 0 });
        Refuse(nameof(options.ToolMode), options.ToolMode is RequiredChatToolMode);
        Refuse(nameof(options.ResponseFormat), options.ResponseFormat is not (null or ChatResponseFormatText));
        Refuse(nameof(options.FrequencyPenalty), options.FrequencyPenalty is not (null or 0));
        Refuse(nameof(options.PresencePenalty), options.PresencePenalty is not (null or 0));
        Refuse(nameof(options.Reasoning), options.Reasoning is not null);
        Refuse(nameof(options.ConversationId), options.ConversationId is not null);
        Refuse(nameof(options.ModelId), options.ModelId is { } model && model != modelId);
        Refuse(nameof(options.AllowBackgroundResponses), options.AllowBackgroundResponses == true);
        Refuse(nameof(options.ContinuationToken), options.ContinuationToken is not null);
        Refuse(nameof(options.AdditionalProperties), options.AdditionalProperties is { Count: > 0 });
    }

    private static void Refuse(string option, bool given)
    {
        if (given)
            throw new NotSupportedException(
                $"ChatOptions.{option} is not supported; a local language model takes Temperature, TopK, TopP, MaxOutputTokens, StopSequences, Seed and Instructions.");
    }
}
