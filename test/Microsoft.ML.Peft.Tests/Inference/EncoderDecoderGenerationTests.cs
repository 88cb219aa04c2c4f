using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Reading one text and writing another with a tiny T5; its weights are random, so its words are too.</summary>
public sealed class EncoderDecoderGenerationTests : IDisposable
{
    private const int Start = 0;
    private static readonly string[] Texts = ["the whale", "a ship of war and the sea, and whatever else there was to see", "", "Call me"];

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-t5"), Precision.Float32);

    public static TheoryData<string> Methods => ["prompt", "prefix", "ptuning-mlp"];

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task What_is_written_is_the_likeliest_token_of_a_full_pass_each_time_alone_in_a_batch_and_streamed(string method)
    {
        using var model = Model(method);
        var options = new GenerationOptions { MaxNewTokens = 12 };
        string[] expected = [.. Texts.Select(text => _backbone.Words.Decode(Greedy(model, text, 12), skipSpecialTokens: true))];
        Assert.Equal(expected, model.Generate(Texts, options));
        Assert.Equal(expected, Texts.Select(text => model.Generate([text], options)[0]));
        string streamed = "";
        await foreach (string piece in model.GenerateStreamAsync(Texts[1], options))
            streamed += piece;
        Assert.Equal(expected[1], streamed);
        Assert.All(expected, Assert.NotEmpty);
    }

    [Fact]
    public void A_penalty_for_repetition_counts_what_is_written_not_what_is_read()
    {
        using var model = Model("prefix");
        int[] source = [.. _backbone.Encode(Texts[1]).Ids];
        var plain = model.GenerateIds([source], new GenerationOptions { MaxNewTokens = 1 }, new HashSet<int>())[0];
        int[] withIt = [.. source, plain[0]];
        var expected = model.GenerateIds([withIt], new GenerationOptions { MaxNewTokens = 1 }, new HashSet<int>())[0];
        Assert.Equal(expected, model.GenerateIds([withIt], new GenerationOptions { MaxNewTokens = 1, RepetitionPenalty = 1e6 }, new HashSet<int>())[0]);
    }

    [Fact]
    public void Several_beams_find_a_text_at_least_as_likely_as_greedy_writing()
    {
        using var model = Model("prompt");
        using var adapter = Adapter.Load(_backbone, Case("tiny-t5__prompt__SEQ_2_SEQ_LM"));
        var frozen = (LanguageModel)_backbone.Frozen.Backbone;
        using var prompt = adapter.Prompt(frozen);
        var never = new HashSet<int>();
        int better = 0;
        foreach (string text in Texts)
        {
            int[] source = [.. _backbone.Encode(text).Ids];
            var greedy = model.GenerateIds([source], new GenerationOptions { MaxNewTokens = 6 }, never)[0];
            var beams = BeamSearch.Write(frozen, prompt, source, new GenerationOptions { MaxNewTokens = 6, Beams = 8 }, never, CancellationToken.None);
            double difference = LogProbability(model, source, beams) - LogProbability(model, source, greedy);
            Assert.True(difference > -1e-4);
            better += difference > 1e-3 ? 1 : 0;
        }
        Assert.True(better > 0);
    }

    [Fact]
    public void Sources_of_any_length_are_read_for_positions_are_relative()
    {
        using var model = Model("prompt");
        string text = string.Concat(Enumerable.Repeat("the sea and ", 400));
        Assert.True(_backbone.Encode(text).Ids.Count > 1000);
        Assert.NotEqual(model.Generate(["whale " + text])[0], model.Generate(["a"])[0]);
    }

    [Fact]
    public void Forward_wants_the_decoders_tokens_one_row_for_each_source()
    {
        using var model = Model("prompt");
        Tensor ids = tensor(new long[] { 5, 6, 7, 8, 9, 0 }, [2, 3]), mask = tensor(new long[] { 1, 1, 1, 1, 1, 0 }, [2, 3]);
        Assert.Equal([2, 4, 402], model.Forward(ids, mask, decoderInputIds: zeros(2, 4, ScalarType.Int64)).shape);
        Assert.Contains("is an encoder–decoder; give the tokens that its decoder reads",
            Assert.Throws<ArgumentNullException>("decoderInputIds", () => model.Forward(ids, mask)).Message, StringComparison.Ordinal);
        Assert.StartsWith("The decoder's token ids are [3, 4]; give [2, tokens].",
            Assert.Throws<ArgumentException>("decoderInputIds", () => model.Forward(ids, mask, decoderInputIds: zeros(3, 4, ScalarType.Int64))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Forward(ids, mask, decoderInputIds: full([2, 4], 402, ScalarType.Int64)));
        Assert.Throws<ArgumentException>(() => model.Forward(ids, mask, decoderInputIds: zeros(2, 4)));
    }

    [Fact]
    public void Other_models_have_no_decoder_to_read_tokens()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
        using var model = PeftModel.Load(backbone, Case("tiny-llama__prompt__CAUSAL_LM"));
        var ids = ones(1, 3, ScalarType.Int64);
        Assert.StartsWith("Only an encoder–decoder reads tokens for its decoder",
            Assert.Throws<ArgumentException>("decoderInputIds", () => model.Forward(ids, ids, decoderInputIds: ids)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tiny-t5", "tiny-llama__prompt__CAUSAL_LM", "is for CAUSAL_LM", "(t5) is an encoder–decoder and takes SEQ_2_SEQ_LM")]
    [InlineData("tiny-t5", "tiny-bert__prompt__SEQ_CLS", "is for SEQ_CLS", "(t5) is an encoder–decoder and takes SEQ_2_SEQ_LM")]
    [InlineData("tiny-llama", "tiny-t5__prefix__SEQ_2_SEQ_LM", "is for SEQ_2_SEQ_LM", "(llama) is a decoder and takes CAUSAL_LM or SEQ_CLS")]
    [InlineData("tiny-bert", "tiny-t5__prompt__SEQ_2_SEQ_LM", "is for SEQ_2_SEQ_LM", "(bert) is an encoder and takes SEQ_CLS")]
    [InlineData("tiny-bert", "tiny-llama__prompt__CAUSAL_LM", "is for CAUSAL_LM", "(bert) is an encoder and takes SEQ_CLS")]
    public void An_adapter_for_another_kind_of_model_is_refused_and_both_are_named(string model, string adapter, string task, string kind)
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model(model), Precision.Float32);
        string message = Assert.Throws<InvalidDataException>(() => PeftModel.Load(backbone, Case(adapter))).Message;
        Assert.Contains(task, message, StringComparison.Ordinal);
        Assert.Contains(kind, message, StringComparison.Ordinal);
        Assert.Contains(adapter, message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _backbone.Dispose();
        _scope.Dispose();
    }

    private static string Case(string name) => Path.Combine(Fixtures.Default, "cases", name, "adapter");

    private PeftModel Model(string method) => PeftModel.Load(_backbone, Case($"tiny-t5__{method}__SEQ_2_SEQ_LM"));

    private static double LogProbability(PeftModel model, int[] source, IReadOnlyList<int> written)
    {
        var ids = tensor(source.Select(id => (long)id).ToArray(), [1, source.Length]);
        long[] target = [Start, .. written.SkipLast(1)];
        var logits = model.Forward(ids, ones_like(ids), decoderInputIds: tensor(target, [1, target.Length]));
        return -nn.functional.cross_entropy(logits[0], tensor(written.Select(id => (long)id).ToArray()), reduction: nn.Reduction.Sum).item<float>();
    }

    private List<int> Greedy(PeftModel model, string text, int count)
    {
        int[] source = [.. _backbone.Encode(text).Ids];
        var ids = tensor(source.Select(id => (long)id).ToArray(), [1, source.Length]);
        var written = new List<int>();
        while (written.Count < count && (written.Count == 0 || !_backbone.Frozen.EndIds.Contains(written[^1])))
        {
            long[] target = [Start, .. written];
            var logits = model.Forward(ids, ones_like(ids), decoderInputIds: tensor(target, [1, target.Length]));
            written.Add((int)logits[0, -1].argmax().item<long>());
        }
        return written;
    }
}
