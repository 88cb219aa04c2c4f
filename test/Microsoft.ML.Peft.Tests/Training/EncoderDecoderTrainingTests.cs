using System.Text.Json.Nodes;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Teaching a tiny T5 to write: the encoder reads the text, the decoder writes the target.</summary>
public sealed class EncoderDecoderTrainingTests : IDisposable
{
    private static readonly TrainingSettings Settings = new()
    {
        MaxEpochs = 2,
        BatchSize = 8,
        Seed = 1,
        Generation = new GenerationOptions { MaxNewTokens = 12 },
    };

    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-t5-v11"), Precision.Float32);
    private readonly TemporaryDirectory _saved = new();

    public static TheoryData<string> Methods => TinyMethods.Names;

    private static TrainingObserver Observer => new(_ => { }, _ => { }, () => { });

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_method_learns_to_write(string method)
    {
        var settings = Settings with { MaxEpochs = 40, LearningRate = method.StartsWith("prefix", StringComparison.Ordinal) ? 0.3 : 0.03, ValidationFraction = 0 };
        var (model, history) = GenerationTrainer.Train(_backbone, TinyMethods.Of(method), Stories.Targets(24), null, settings, Observer);
        using var owned = model;
        Assert.True(history.Epochs[^1].TrainingLoss < 0.8 * history.Epochs[0].TrainingLoss, $"{history.Epochs[0].TrainingLoss} → {history.Epochs[^1].TrainingLoss}");
        Assert.Equal("{text}", model.PromptTemplate);
        Assert.Equal(4, model.VirtualTokens);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_loss_is_the_mean_over_the_targets_tokens_and_the_end_token_given_the_text(string method)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var rows = Rows(5);
        using var trainer = GenerationTrainer.Create(_backbone, TinyMethods.Of(method), rows, rows, Settings, Observer, new Random(1));
        var (model, history) = trainer.Finish();
        using var owned = model;
        double sum = 0;
        int count = 0;
        foreach (var row in rows)
        {
            Assert.Equal(1, row.Target[^1]);        // the end token
            var ids = Row(row.Prompt.Ids);
            using var logits = model.Forward(ids, ones_like(ids), decoderInputIds: Row([0, .. row.Target[..^1]]));
            var logProbabilities = nn.functional.log_softmax(logits[0], 1);
            for (int i = 0; i < row.Target.Length; i++, count++)
                sum -= logProbabilities[i, row.Target[i]].item<float>();
        }
        Assert.Equal(sum / count, history.ValidationMetric!.Value, 4);
    }

    [Fact]
    public void A_prefix_starts_from_the_keys_and_values_of_the_first_targets_each_written_on_its_own_text()
    {
        using var tiny = new TinyT5(1, 3, 2, 4, 8, gated: true, ownHead: true, scaled: false);
        using var backbone = tiny.Load();
        var rows = GenerationTrainer.Tokenize(backbone, new PrefixTuningSettings(4), Stories.Targets(3), null, Settings with { ValidationFraction = 0 }, Observer, new Random(1)).Train;
        int length = rows[0].Target.Length + 2;
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var trainer = GenerationTrainer.Create(backbone, new PrefixTuningSettings(length), rows, rows, Settings, Observer, new Random(1));
        using var model = trainer.Finish().Model;
        using var adapter = Inference.Adapter.Load(backbone, Saved(model));
        using var prompt = adapter.Prompt(backbone.Frozen.Backbone);
        for (int row = 0, at = 0; row < 2; row++)
        {
            var batch = TokenBatch.Create([rows[row].Prompt.Ids], CPU) with { Target = TokenBatch.Create([[0, .. rows[row].Target[..^1]]], CPU) };
            int count = Math.Min(rows[row].Target.Length, length - at), start = at;
            backbone.Frozen.Backbone.Forward(batch, null, null, (layer, key, value) =>
            {
                TensorAssert.Close(key.narrow(0, 0, count).transpose(0, 1), prompt.KeysValues![2 * layer].narrow(1, start, count), 1e-5);
                TensorAssert.Close(value.narrow(0, 0, count).transpose(0, 1), prompt.KeysValues[2 * layer + 1].narrow(1, start, count), 1e-5);
            });
            at += count;
        }
    }

    [Theory]
    [InlineData("prompt tuning", 32, 2)]
    [InlineData("prefix tuning", 32, 2)]
    [InlineData("P-tuning with an LSTM", 32, 2)]
    public void What_is_saved_is_an_adapter_for_SEQ_2_SEQ_LM(string method, int tokenDim, int layers)
    {
        var rows = Rows(4);
        using var trainer = GenerationTrainer.Create(_backbone, TinyMethods.Of(method), rows, rows, Settings, Observer, new Random(1));
        using var model = trainer.Finish().Model;
        using var directory = new TemporaryDirectory();
        model.Save(directory.Path);
        var configuration = JsonNode.Parse(File.ReadAllText(directory.File("adapter_config.json")))!;
        Assert.Equal(("SEQ_2_SEQ_LM", 2, 4), ((string?)configuration["task_type"], (int)configuration["num_transformer_submodules"]!, (int)configuration["num_virtual_tokens"]!));
        Assert.Equal((tokenDim, layers, 4), ((int)configuration["token_dim"]!, (int)configuration["num_layers"]!, (int)configuration["num_attention_heads"]!));
        using var loaded = PeftModel.Load(_backbone, directory.Path);
        Assert.Equal(model.ToFiles(), loaded.ToFiles());
        Assert.Equal(model.Generate(["the whale was 3"]), loaded.Generate(["the whale was 3"]));
    }

    [Theory]
    [InlineData("prompt tuning", 7, 1)]
    [InlineData("prefix tuning", 10, 3)]
    public void The_layers_and_width_saved_are_those_of_the_side_that_the_method_reaches(string method, int tokenDim, int layers)
    {
        using var tiny = new TinyT5(1, 3, 2, 5, 7, gated: false, ownHead: false, scaled: true);
        using var backbone = tiny.Load();
        var configuration = Inference.AdapterConfigurations.Create(TinyMethods.Of(method), backbone, head: null);
        Assert.Equal((tokenDim, layers, 2, 2), (configuration.TokenDim, configuration.NumLayers, configuration.NumAttentionHeads, configuration.NumTransformerSubmodules));
    }

    [Fact]
    public void A_pipeline_learns_what_to_write_and_writes_the_same_when_it_is_loaded()
    {
        var context = new MLContext(seed: 1);
        var rows = context.Data.LoadFromEnumerable(Stories.Rows(16).Select(row => new Story { Text = row.Text, Label = "the sea" }));
        var options = new PrefixTuningOptions
        {
            Model = Fixtures.Model("tiny-t5-v11"),
            VirtualTokens = 8,
            MaxEpochs = 150,
            LearningRate = 0.3,
            ValidationFraction = 0,
            Precision = Precision.Float32,
            Seed = 1,
            Generation = new GenerationOptions { MaxNewTokens = 12 },
        };
        using var model = context.Transforms.PrefixTuning(options).Fit(rows);
        var written = model.Transform(rows).GetColumn<string>("GeneratedText").ToList();
        Assert.All(written, text => Assert.Equal("the sea", text));
        using var stream = new MemoryStream();
        context.Model.Save(model, rows.Schema, stream);
        stream.Position = 0;
        using var loaded = (SoftPromptTransformer)new MLContext().Model.Load(stream, out _);
        Assert.Equal(written, loaded.Transform(rows).GetColumn<string>("GeneratedText"));
    }

    public void Dispose()
    {
        _backbone.Dispose();
        _saved.Dispose();
    }

    private string Saved(PeftModel model)
    {
        model.Save(_saved.Path);
        return _saved.Path;
    }

    private IReadOnlyList<GenerationRow> Rows(int count) =>
        GenerationTrainer.Tokenize(_backbone, new PromptTuningSettings(4), Stories.Targets(count), null, Settings with { ValidationFraction = 0 }, Observer, new Random(1)).Train;

    private static Tensor Row(IReadOnlyList<int> ids) => tensor(ids.Select(id => (long)id).ToArray(), [1, ids.Count]);
}
