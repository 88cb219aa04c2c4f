using Microsoft.Extensions.AI;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Conversations with a tiny language model; its weights are random, so its words are too.</summary>
public sealed class LanguageModelChatClientTests : IDisposable
{
    private const string Question = "the whale and the sea";
    private static readonly ChatOptions Short = new() { MaxOutputTokens = 12 };

    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
    private readonly PeftModel _model;

    public LanguageModelChatClientTests() => _model = PeftModel.Load(_backbone, Path.Combine(Fixtures.Default, "cases", "tiny-llama__prefix__CAUSAL_LM", "adapter"));

    [Fact]
    public async Task The_answer_is_what_the_model_writes_with_or_without_a_soft_prompt()
    {
        var options = new GenerationOptions { MaxNewTokens = 12 };
        using IChatClient tuned = _model.AsChatClient(), bare = _backbone.AsChatClient();
        string expected = _model.Generate([Question + "\n"], options)[0], alone = _backbone.Generate([Question + "\n"], options)[0];
        Assert.Equal(expected, (await tuned.GetResponseAsync(Question, Short)).Text);
        Assert.Equal(alone, (await bare.GetResponseAsync(Question, Short)).Text);
        Assert.NotEqual(expected, alone);
    }

    [Fact]
    public async Task Streamed_updates_are_the_whole_answer()
    {
        using var client = _model.AsChatClient();
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in client.GetStreamingResponseAsync(Question, Short))
            updates.Add(update);
        var response = await client.GetResponseAsync(Question, Short);
        Assert.Equal(response.Text, string.Concat(updates.Select(update => update.Text)));
        Assert.True(updates.Count > 3);
        Assert.Single(updates.Select(update => (update.ResponseId, update.MessageId, update.Role, update.ModelId)).Distinct());
    }

    [Fact]
    public async Task An_answer_says_how_long_it_is_and_why_it_ended()
    {
        using var client = _model.AsChatClient();
        var cut = await client.GetResponseAsync(Question, Short);
        int input = _backbone.Encode(Question + "\n").Ids.Count;
        Assert.Equal((input, 12, input + 12), (cut.Usage!.InputTokenCount, cut.Usage.OutputTokenCount, cut.Usage.TotalTokenCount));
        Assert.Equal(ChatFinishReason.Length, cut.FinishReason);
        Assert.Equal(ChatRole.Assistant, Assert.Single(cut.Messages).Role);

        string stop = cut.Text.Substring(cut.Text.Length / 2, 3);
        var stopped = await client.GetResponseAsync(Question, new ChatOptions { MaxOutputTokens = 12, StopSequences = [stop] });
        Assert.Equal(ChatFinishReason.Stop, stopped.FinishReason);
        Assert.Equal(cut.Text[..cut.Text.IndexOf(stop, StringComparison.Ordinal)], stopped.Text);
        Assert.InRange(stopped.Usage!.OutputTokenCount!.Value, 1, 11);
    }

    [Fact]
    public async Task The_models_own_template_is_taken_from_either_place()
    {
        const string template = "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}";
        string jinja = template.Replace("\\n", "\n", StringComparison.Ordinal), json = System.Text.Json.JsonSerializer.Serialize(template);
        string expected = _backbone.Generate([$"<|im_start|>user\n{Question}<|im_end|>\n<|im_start|>assistant\n"], new GenerationOptions { MaxNewTokens = 12 })[0];
        var writers = new Action<ModelCopy>[]
        {
            copy => copy.Write("chat_template.jinja", jinja),
            copy => copy.Write("tokenizer_config.json", $$"""{ "eos_token": "<|endoftext|>", "chat_template": {{json}} }"""),
            copy => copy.Write("tokenizer_config.json", $$"""{ "eos_token": "<|endoftext|>", "chat_template": [{ "name": "rag", "template": "" }, { "name": "default", "template": {{json}} }] }"""),
        };
        foreach (var write in writers)
        {
            using var copy = new ModelCopy("tiny-llama");
            write(copy);
            using var model = copy.Load();
            using var client = model.AsChatClient();
            Assert.Equal(expected, (await client.GetResponseAsync(Question, Short)).Text);
        }
    }

    [Fact]
    public async Task An_answer_ends_with_the_formats_end_of_turn()
    {
        int[] tokens = [.. _backbone.Encode(Question + "\n").Ids];
        var written = _model.GenerateIds([tokens], new GenerationOptions { MaxNewTokens = 12 }, new HashSet<int>())[0];
        var format = ChatFormats.Plain with { EndOfTurn = _backbone.Words.IdToToken(written[5]) };
        using var client = new LanguageModelChatClient(_model, _backbone, format, (ids, options, ends, count, token) => _model.StreamAsync(PeftModel.DefaultAdapter, ids, options, ends, count, token));
        var response = await client.GetResponseAsync(Question, Short);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal(written.ToList().IndexOf(written[5]) + 1, response.Usage!.OutputTokenCount);
    }

    [Fact]
    public void A_client_tells_who_answers()
    {
        using var client = _model.AsChatClient();
        var metadata = client.GetRequiredService<ChatClientMetadata>();
        Assert.Equal(("PeftMl", Fixtures.Model("tiny-llama")), (metadata.ProviderName, metadata.DefaultModelId));
        Assert.Same(_model, client.GetService<PeftModel>());
        Assert.Same(client, client.GetService<IChatClient>());
        Assert.Null(client.GetService<PretrainedModel>());
        Assert.Null(client.GetService(typeof(PeftModel), "key"));
    }

    [Fact]
    public async Task Many_answer_at_a_time_and_the_seed_decides_what_is_drawn()
    {
        using var client = _model.AsChatClient();
        Task<ChatResponse> Ask(long seed) => client.GetResponseAsync(Question, new ChatOptions { MaxOutputTokens = 12, Temperature = 1, Seed = seed });
        var answers = await Task.WhenAll(Ask(1), Ask(2), Ask(1));
        Assert.Equal(answers[0].Text, answers[2].Text);
        Assert.NotEqual(answers[0].Text, answers[1].Text);
    }

    [Fact]
    public async Task A_client_does_not_own_its_model()
    {
        _model.AsChatClient().Dispose();
        using var client = _model.AsChatClient();
        Assert.NotEmpty((await client.GetResponseAsync(Question, Short)).Text);
        _model.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetResponseAsync(Question, Short));
    }

    [Fact]
    public async Task Answering_is_cancelled_between_two_tokens()
    {
        using var client = _model.AsChatClient();
        using var cancellation = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in client.GetStreamingResponseAsync(Question, new ChatOptions { MaxOutputTokens = 60 }, cancellation.Token))
                await cancellation.CancelAsync();
        });
    }

    [Fact]
    public void Models_that_do_not_write_are_refused()
    {
        using var encoder = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        Assert.Throws<InvalidOperationException>(encoder.AsChatClient);
        using var classifier = PeftModel.Load(_backbone, Path.Combine(Fixtures.Default, "cases", "tiny-llama__prefix__SEQ_CLS", "adapter"));
        Assert.StartsWith("This model classifies and does not write", Assert.Throws<InvalidOperationException>(classifier.AsChatClient).Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _model.Dispose();
        _backbone.Dispose();
    }
}
