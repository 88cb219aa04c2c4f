using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>The embedded language model, loaded once.</summary>
public sealed class EmbeddedDecoderTests(EmbeddedDecoderTests.Loaded loaded) : IClassFixture<EmbeddedDecoderTests.Loaded>
{
    private readonly PretrainedModel _model = loaded.Model;

    [Fact]
    public void Its_metadata_give_its_shape()
    {
        var configuration = Assert.IsType<DecoderConfiguration>(_model.Configuration);
        Assert.Equal((30, 576, 9, 3, 64), (configuration.Layers, configuration.HiddenSize, configuration.Heads, configuration.KeyValueHeads, configuration.HeadSize));
        Assert.Equal((49152, 8192, 1536), (configuration.VocabularySize, configuration.MaxPositions, configuration.IntermediateSize));
        Assert.Equal(100_000, configuration.Rotary!.Theta);
        Assert.True(configuration.TiedHead);
    }

    [Fact]
    public void Its_texts_end_with_the_chat_templates_end_token()
    {
        Assert.Equal([2], _model.Frozen.EndIds);
        Assert.Equal("<|im_end|>", _model.Words.Decode([2], skipSpecialTokens: false));
    }

    [Fact]
    public void Its_tokenizer_is_the_one_of_its_makers()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Fixtures.Default, "tokenizers", "smollm2", "golden.json")));
        foreach (var entry in golden.RootElement.GetProperty("entries").EnumerateArray().Where(entry => !entry.TryGetProperty("pair", out _)))
            Assert.Equal(entry.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), _model.Encode(entry.GetProperty("text").GetString()).Ids);
    }

    [Fact]
    public void Its_fingerprint_is_the_one_that_saved_pipelines_name()
    {
        Assert.Equal("ace3feae926212e3938476865c2d1d37110726f239c6621fd7d276d0b4f66a44", _model.Fingerprint);
        using var found = PretrainedModel.Find("/no/longer/there/" + ModelLocator.DefaultDecoder, _model.Fingerprint, Precision.BFloat16, null);
        Assert.Equal(_model.Directory, found.Directory);
    }

    [Fact]
    public async Task It_answers_a_question()
    {
        // In bfloat16, whose logits lie an eighth apart, the first word is a draw.
        using var model = PretrainedModel.Load(ModelLocator.DefaultDecoder, Precision.Float32);
        using var client = model.AsChatClient();
        var response = await client.GetResponseAsync("What is the capital of France?", new ChatOptions { MaxOutputTokens = 16 });
        Assert.Contains("Paris", response.Text, StringComparison.Ordinal);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal(37, response.Usage!.InputTokenCount);      // the template's own system message and marks among them
    }

    [Fact]
    public void Step_by_step_it_writes_what_whole_texts_ask_for()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var model = PretrainedModel.Load(ModelLocator.DefaultDecoder, Precision.Float32);
        var decoder = (Decoder)model.Frozen.Backbone;
        List<int> text = [.. model.Encode("The restaurant by the river serves Italian food and is rated five out of").Ids];
        using var rows = decoder.Begin([text], null, 16);
        for (int step = 0; step < 16; step++)
        {
            // More rows than products straight from the file's blocks are for.
            var whole = decoder.Logits(decoder.Forward(TokenBatch.Create([text], CPU), null)).select(0, text.Count - 1);
            TensorAssert.Close(whole, rows.Logits[0], 1e-4 * whole.abs().max().item<float>());
            int next = (int)whole.argmax().item<long>();
            Assert.Equal(next, rows.Logits[0].argmax().item<long>());
            text.Add(next);
            rows.Append([next]);
        }
    }

    public sealed class Loaded : IDisposable
    {
        public PretrainedModel Model { get; } = PretrainedModel.Load(ModelLocator.DefaultDecoder, Precision.BFloat16);

        public void Dispose() => Model.Dispose();
    }
}
