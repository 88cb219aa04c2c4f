using Microsoft.Extensions.AI;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.Tests;

/// <summary>What Microsoft.Extensions.AI asks for, in this library's terms.</summary>
public sealed class ChatRequestTests
{
    private static readonly GenerationOptions Defaults = new() { MaxNewTokens = 33 };
    private static readonly ChatMessage[] Hello = [new(ChatRole.User, "Hello")];

    public static TheoryData<string> Unsupported => ["Tools", "ToolMode", "ResponseFormat", "FrequencyPenalty", "PresencePenalty", "Reasoning", "ConversationId", "ModelId", "AdditionalProperties"];

    [Fact]
    public void Options_are_those_of_generation()
    {
        var options = new ChatOptions
        {
            Temperature = 0.7f,
            TopK = 40,
            TopP = 0.9f,
            MaxOutputTokens = 12,
            StopSequences = ["END"],
            Seed = 7,
            ToolMode = ChatToolMode.Auto,
            ResponseFormat = ChatResponseFormat.Text,
            FrequencyPenalty = 0,
            ModelId = "model",
        };
        var created = Create(Hello, options).Options;
        Assert.Equal((0.7, 40, 0.9, 12, 7), (created.Temperature, created.TopK, created.TopP, created.MaxNewTokens, created.Seed));
        Assert.Equal(["END"], created.StopStrings);
        Assert.Equal(Defaults, Create(Hello, null).Options);
        Assert.Equal(Defaults, Create(Hello, new ChatOptions()).Options);
    }

    [Fact]
    public void What_chat_options_lack_comes_from_generation_options()
    {
        var options = new ChatOptions { RawRepresentationFactory = _ => new GenerationOptions { MinP = 0.1, RepetitionPenalty = 1.2, MaxNewTokens = 5 }, MaxOutputTokens = 9 };
        Assert.Equal(new GenerationOptions { MinP = 0.1, RepetitionPenalty = 1.2, MaxNewTokens = 9 }, Create(Hello, options).Options);
    }

    [Fact]
    public void Seeds_that_differ_in_any_bit_differ()
    {
        int Seed(long seed) => Create(Hello, new ChatOptions { Seed = seed }).Options.Seed;
        Assert.Equal(4, new[] { Seed(1), Seed(2), Seed(1L << 40), Seed(1L << 41) }.Distinct().Count());
    }

    [Fact]
    public void Messages_are_turns_and_instructions_stand_before_them()
    {
        ChatMessage[] messages =
        [
            new(ChatRole.System, "Be brief."), new(ChatRole.User, [new TextContent("Good "), new TextContent("day")]),
            new(ChatRole.Assistant, [new TextReasoningContent("hm"), new TextContent("Hello")]),
        ];
        Assert.Equal(
            [new(ChatSpeaker.System, "Rhyme."), new(ChatSpeaker.System, "Be brief."), new(ChatSpeaker.User, "Good day"), new(ChatSpeaker.Assistant, "Hello")],
            Create(messages, new ChatOptions { Instructions = "Rhyme." }).Turns);
    }

    [Theory]
    [MemberData(nameof(Unsupported))]
    public void What_no_language_model_here_does_is_refused_by_name(string option)
    {
        var options = option switch
        {
            "Tools" => new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "one")] },
            "ToolMode" => new ChatOptions { ToolMode = ChatToolMode.RequireAny },
            "ResponseFormat" => new ChatOptions { ResponseFormat = ChatResponseFormat.Json },
            "FrequencyPenalty" => new ChatOptions { FrequencyPenalty = 0.5f },
            "PresencePenalty" => new ChatOptions { PresencePenalty = 0.5f },
            "Reasoning" => new ChatOptions { Reasoning = new ReasoningOptions() },
            "ConversationId" => new ChatOptions { ConversationId = "1" },
            "ModelId" => new ChatOptions { ModelId = "another" },
            _ => new ChatOptions { AdditionalProperties = new() { ["min_p"] = 0.1 } },
        };
        Assert.StartsWith($"ChatOptions.{option} is not supported", Assert.Throws<NotSupportedException>(() => Create(Hello, options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_that_are_no_texts_are_refused()
    {
        var image = new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]);
        Assert.StartsWith("A message has content of the type DataContent", Assert.Throws<NotSupportedException>(() => Create([image], null)).Message, StringComparison.Ordinal);
        Assert.StartsWith("Messages of the role 'tool'", Assert.Throws<NotSupportedException>(() => Create([new(ChatRole.Tool, "1")], null)).Message, StringComparison.Ordinal);
        Assert.StartsWith("There are no messages", Assert.Throws<ArgumentException>(() => Create([], null)).Message, StringComparison.Ordinal);
    }

    private static ChatRequest Create(ChatMessage[] messages, ChatOptions? options) => ChatRequest.Create(messages, options, null!, "model", Defaults);
}
