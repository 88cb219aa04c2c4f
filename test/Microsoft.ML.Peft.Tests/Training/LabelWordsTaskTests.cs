using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Teaching a tiny language model to classify by the words of its labels.</summary>
public sealed class LabelWordsTaskTests : IDisposable
{
    private static readonly TrainingSettings Settings = new()
    {
        MaxEpochs = 2,
        BatchSize = 8,
        Seed = 1,
        LabelNames = ["no", "yes"],
        LabelWords = ["ship", "the man"],
    };

    private readonly PretrainedModel _backbone = PretrainedModel.Load(Stories.TinyModel, Precision.Float32);
    private readonly List<string> _lines = [];

    public static TheoryData<string> Methods => TinyMethods.Names;

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_method_learns_a_simple_task_without_any_head(string method)
    {
        var rows = TinyTraining.Classes(48);
        var (model, history) = Train(rows, Settings with { MaxEpochs = 40, LearningRate = method.StartsWith("prefix", StringComparison.Ordinal) ? 0.1 : 0.02, ValidationFraction = 0 }, method);
        using var owned = model;
        Assert.InRange(TinyTraining.Accuracy(model, rows), 0.9, 1);
        Assert.True(history.Epochs[^1].TrainingLoss < 0.8 * history.Epochs[0].TrainingLoss);
        Assert.Equal((PredictionTask.Multiclass, 2, "{text}\n"), (model.Task, model.Outputs, model.PromptTemplate));
        Assert.Equal(["no", "yes"], model.Labels);
    }

    [Fact]
    public void Probabilities_are_calibrated_by_one_temperature_that_is_saved()
    {
        using var directory = new TemporaryDirectory();
        var (model, history) = Train(TinyTraining.Classes(48), Settings with { MaxEpochs = 6, ValidationFraction = 0.25 }, "prefix tuning");
        using var owned = model;
        Assert.Equal("Accuracy", history.MetricName);
        Assert.NotNull(history.ProbeValidationMetric);
        model.Save(directory.Path);
        var description = LabelWordsDescription.ReadFrom(directory.Path)!;
        Assert.NotEqual(1, description.Scale);
        Assert.Equal(["ship", "the man"], description.Words);

        using var loaded = PeftModel.Load(_backbone, directory.Path);
        string[] texts = ["the whale", "a man", ""];
        Assert.Equal(model.Classify(texts), loaded.Classify(texts));
        // The same adapter, uncalibrated: its log-odds differ by the scale alone.
        (description with { Scale = 1 }).WriteTo(directory.Path);
        using var plain = PeftModel.Load(_backbone, directory.Path);
        foreach (var (calibrated, raw) in loaded.Classify(texts).Zip(plain.Classify(texts)))
            Assert.Equal(Math.Log(raw[0] / raw[1]) * description.Scale, Math.Log(calibrated[0] / calibrated[1]), 1e-3);
    }

    [Fact]
    public void The_adapter_is_an_ordinary_one_for_language_modelling()
    {
        using var directory = new TemporaryDirectory();
        using var model = Train(TinyTraining.Classes(16), Settings, "prompt tuning").Model;
        model.Save(directory.Path);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "label_words.json"], Directory.EnumerateFiles(directory.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Contains("\"task_type\": \"CAUSAL_LM\"", File.ReadAllText(directory.File("adapter_config.json")), StringComparison.Ordinal);
        Assert.Equal(model.ToFiles(), PeftModel.FromFiles(_backbone, model.ToFiles()).ToFiles());
        Assert.Single(model.Generate(["the whale\n"], new GenerationOptions { MaxNewTokens = 4 }));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"task\":\"regression\",\"prompt_template\":\"{text}\",\"labels\":[\"a\",\"b\"],\"words\":[\"a\",\"b\"]}")]
    [InlineData("{\"task\":\"binary\",\"prompt_template\":\"{text}\",\"labels\":[\"a\",\"b\"],\"words\":[\"a\"]}")]
    [InlineData("{\"task\":\"binary\",\"prompt_template\":\"text\",\"labels\":[\"a\",\"b\"],\"words\":[\"a\",\"b\"]}")]
    [InlineData("{\"task\":\"binary\",\"prompt_template\":\"{text}\",\"labels\":[\"a\",\"b\"],\"words\":[\"a\",null]}")]
    [InlineData("{\"task\":\"binary\",\"prompt_template\":\"{text}\",\"labels\":[\"a\",\"b\"],\"words\":[\"a\",\"b\"],\"max_tokens\":0}")]
    public void A_description_that_cannot_be_is_refused_with_its_file(string json)
    {
        using var directory = new TemporaryDirectory();
        using var model = Train(TinyTraining.Classes(16), Settings, "prompt tuning").Model;
        model.Save(directory.Path);
        string path = directory.Write("label_words.json", json);
        Assert.StartsWith($"'{path}' does not describe label words: ", Assert.Throws<InvalidDataException>(() => PeftModel.Load(_backbone, directory.Path)).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _backbone.Dispose();

    private (PeftModel Model, TrainingHistory History) Train(LabeledTexts rows, TrainingSettings settings, string method) =>
        LabelWordsTrainer.Train(_backbone, TinyMethods.Of(method), PredictionTask.Multiclass, rows, null, settings, new TrainingObserver(_ => { }, _lines.Add, () => { }));
}
