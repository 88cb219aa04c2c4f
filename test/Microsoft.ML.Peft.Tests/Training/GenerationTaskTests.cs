using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Teaching a tiny language model to write.</summary>
public sealed class GenerationTaskTests : IDisposable
{
    private static readonly TrainingSettings Settings = new()
    {
        MaxEpochs = 2,
        BatchSize = 8,
        Seed = 1,
        Generation = new GenerationOptions { MaxNewTokens = 12 },
    };

    private readonly PretrainedModel _backbone = PretrainedModel.Load(Stories.TinyModel, Precision.Float32);
    private readonly List<string> _lines = [];

    public static TheoryData<string> Methods => TinyMethods.Names;

    private TrainingObserver Observer => new(_ => { }, _lines.Add, () => { });

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_method_learns_to_write(string method)
    {
        var (model, history) = Train(Settings with { MaxEpochs = 60, LearningRate = method.StartsWith("prefix", StringComparison.Ordinal) ? 0.3 : 0.03, ValidationFraction = 0 }, method);
        using var owned = model;
        Assert.True(history.Epochs[^1].TrainingLoss < 0.6 * history.Epochs[0].TrainingLoss, $"{history.Epochs[0].TrainingLoss} → {history.Epochs[^1].TrainingLoss}");
        Assert.Equal("{text}\n", model.PromptTemplate);
        Assert.Null(history.ValidationMetric);
    }

    [Fact]
    public void The_loss_is_the_mean_over_the_tokens_to_write_and_the_end_token_whatever_the_batch()
    {
        // A reference in plain terms: the logits at each position of one text alone.
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var (rows, _) = GenerationTrainer.Tokenize(_backbone, new PromptTuningSettings(3), Stories.Targets(5), null, Settings with { ValidationFraction = 0 }, Observer, new Random(1));
        foreach (string method in (string[])["prompt tuning", "prefix tuning"])
        {
            using var trainer = Trainer(method, rows, rows);
            var (model, history) = trainer.Finish();
            using var owned = model;
            double sum = 0;
            int count = 0;
            foreach (var row in rows)
            {
                long[] ids = [.. row.Prompt.Ids.Concat(row.Target).Select(id => (long)id)];
                using var logits = model.Forward(tensor(ids, [1, ids.Length]), ones(1, ids.Length, dtype: ScalarType.Int64));
                var logProbabilities = nn.functional.log_softmax(logits[0], 1);
                for (int i = 0; i < row.Target.Length; i++, count++)
                    sum -= logProbabilities[row.Prompt.Ids.Count - 1 + i, row.Target[i]].item<float>();
            }
            Assert.Equal(sum / count, history.ValidationMetric!.Value, 4);
        }
    }

    [Fact]
    public void Validation_compares_with_the_frozen_models_own_loss_and_writes()
    {
        var (model, history) = Train(Settings with { MaxEpochs = 10, LearningRate = 0.03, ValidationFraction = 0.25 });
        using var owned = model;
        Assert.Equal("Loss", history.MetricName);
        Assert.Equal(history.Epochs.Min(epoch => epoch.ValidationMetric), history.ValidationMetric);
        Assert.Equal(history.Epochs.MinBy(epoch => epoch.ValidationMetric)!.Epoch, history.BestEpoch);
        Assert.True(history.ValidationMetric < history.BaseValidationLoss);
        Assert.Null(history.ProbeValidationMetric);
        Assert.Null(history.ImprovementOverProbe);
        Assert.InRange(history.ValidationRougeL!.Value, 0, 1);
        Assert.All(history.Epochs, epoch => Assert.InRange(epoch.ValidationRougeL!.Value, 0, 1));
        Assert.Equal("6 of 24 rows are held out for validation.", _lines[0]);
        Assert.Matches(@"^Epoch 1/10: loss \d\.\d{4}, validation Loss \d\.\d{4}, ROUGE-L \d\.\d{4}( \(best\))?, \d+ examples/s, ETA \d\d:\d\d$", _lines[1]);
        Assert.Matches(@"^Kept epoch \d+: validation Loss \d\.\d{4}, ROUGE-L \d\.\d{4}, \d\.\d{4} better than the frozen model's own \d\.\d{4}\.$", _lines[^1]);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_same_seed_gives_the_same_bits(string method)
    {
        IReadOnlyDictionary<string, byte[]> Files()
        {
            using var model = Train(Settings, method).Model;
            return model.ToFiles();
        }
        var (first, second) = (Files(), Files());
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "generation.json"], first.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, content) in first)
            Assert.Equal(content, second[name]);
    }

    [Fact]
    public void A_prefix_starts_from_the_first_pair_as_it_is_trained_on()
    {
        var rows = GenerationTrainer.Tokenize(_backbone, new PrefixTuningSettings(4), Stories.Targets(4), null, Settings with { ValidationFraction = 0 }, Observer, new Random(1)).Train;
        int[] pair = [.. rows[0].Prompt.Ids, .. rows[0].Target];
        var prefix = new PrefixTuningSettings(pair.Length);
        using var trainer = GenerationTrainer.Create(_backbone, prefix, rows, rows, Settings, Observer, new Random(1));
        using var model = trainer.Finish().Model;

        // The frozen model reads the pair as text, and then the next row's prompt: the same as with the pair as prefix.
        int[] next = [.. rows[1].Prompt.Ids];
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var bare = (LanguageModel)_backbone.Frozen.Backbone;
        var expected = bare.Logits(bare.Forward(TokenBatch.Create([[.. pair, .. next]], CPU), null))[-1];
        using var logits = model.Forward(tensor([.. next.Select(id => (long)id)], [1, next.Length]), ones(1, next.Length, dtype: ScalarType.Int64));
        TensorAssert.Close(expected, logits[0, -1], 1e-3);
    }

    [Fact]
    public void Targets_and_prompts_are_tokenised_separately_and_end_with_the_end_token()
    {
        var row = Tokenize(new TargetTexts(["the whale"], null, ["was here"]), 100).Train[0];
        Assert.Equal(_backbone.Encode("the whale\n").Ids, row.Prompt.Ids);
        Assert.Equal([.. _backbone.Words.EncodeToIds("was here"), 0], row.Target);
        Assert.False(row.Prompt.Truncated || row.TargetTruncated);
        Assert.Empty(_lines);
    }

    [Fact]
    public void Too_long_rows_lose_the_end_of_the_text_first_and_only_then_the_end_of_the_target()
    {
        string longText = string.Concat(Enumerable.Repeat(" whale", 60)), longTarget = string.Concat(Enumerable.Repeat(" ship", 60));
        var rows = Tokenize(new TargetTexts([longText, longText, "the"], null, ["the sea", longTarget, "a"]), 20).Train;
        Assert.All(rows, row => Assert.InRange(row.Length, 1, 20));

        Assert.Equal([.. _backbone.Words.EncodeToIds("the sea"), 0], rows[0].Target);
        Assert.True(rows[0].Prompt.Truncated);
        Assert.EndsWith("\n", rows[0].Prompt.Text, StringComparison.Ordinal);

        Assert.Equal("\n", rows[1].Prompt.Text);
        Assert.Equal(_backbone.Words.EncodeToIds(longTarget).Take(20 - rows[1].Prompt.Ids.Count), rows[1].Target);
        Assert.True(rows[1].TargetTruncated);

        Assert.Equal(
            [
                "2 of 3 texts were cut, because prompt and text to write together were longer than 20 tokens.",
                "1 of 3 texts to write were cut and lost their end, because they alone left no room for a prompt in 20 tokens.",
                "1 of 3 texts to write are longer than MaxNewTokens = 12: the model will not write such texts to their end.",
            ], _lines);
    }

    [Fact]
    public void A_prompt_without_any_token_is_refused_with_its_row()
    {
        using var gpt2 = PretrainedModel.Load(Fixtures.Model("tiny-gpt2"), Precision.Float32);
        var rows = new TargetTexts(["a", ""], null, ["b", "c"]);
        var error = Assert.Throws<ArgumentException>(() => GenerationRows.Create(gpt2, PromptTemplate.Parse("{text}"), rows, 50, () => { }));
        Assert.Equal("The prompt of row 1 (the first is row 0) is empty, so there is nothing to write on from; give the prompt template a text besides its places.", error.Message);
    }

    [Fact]
    public void A_model_without_an_end_token_is_refused()
    {
        using var copy = new ModelCopy("tiny-llama").RemoveKey("eos_token_id").Delete("tokenizer_config.json");
        if (File.Exists(copy.File("generation_config.json")))
            copy.Delete("generation_config.json");
        if (File.Exists(copy.File("special_tokens_map.json")))
            copy.Delete("special_tokens_map.json");
        using var model = copy.Load();
        var error = Assert.Throws<NotSupportedException>(() => GenerationRows.Create(model, PromptTemplate.Parse("{text}\n"), Stories.Targets(1), 50, () => { }));
        Assert.Contains("names no end token", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(640, 1)]
    [InlineData(80, 8)]
    [InlineData(4, 80)]
    public void Without_a_number_of_epochs_there_is_one_and_more_where_rows_are_few(int rows, int epochs)
    {
        var tokens = Tokenize(Stories.Targets(rows), 100).Train;
        using var trainer = GenerationTrainer.Create(_backbone, new PromptTuningSettings(2), tokens, null, Settings with { MaxEpochs = null }, Observer, new Random(1));
        Assert.Equal(epochs, trainer.Session.MaxEpochs);
    }

    public void Dispose() => _backbone.Dispose();

    private (PeftModel Model, TrainingHistory History) Train(TrainingSettings settings, string method = "prefix tuning") =>
        GenerationTrainer.Train(_backbone, TinyMethods.Of(method), Stories.Targets(24), null, settings, Observer);

    private SoftPromptTrainer Trainer(string method, IReadOnlyList<GenerationRow> train, IReadOnlyList<GenerationRow>? validation) =>
        GenerationTrainer.Create(_backbone, TinyMethods.Of(method, 3), train, validation, Settings, Observer, new Random(1));

    private (IReadOnlyList<GenerationRow> Train, IReadOnlyList<GenerationRow>? Validation) Tokenize(TargetTexts rows, int maxTokens) =>
        GenerationTrainer.Tokenize(_backbone, new PromptTuningSettings(4), rows, null, Settings with { MaxTokens = maxTokens, ValidationFraction = 0 }, Observer, new Random(1));
}
