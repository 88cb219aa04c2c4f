using Microsoft.ML.Data;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Estimators;

public sealed class LoadAdapterTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly MLContext _context = new(1);

    [Fact]
    public void A_saved_adapter_predicts_as_the_transformer_that_was_trained_also_when_it_is_saved_again()
    {
        var rows = Tickets.Keyed(_context);
        var options = Options();
        options.Precision = Precision.Auto;     // an adapter names no number format, so loading takes what suits the machine
        using var trained = _context.Transforms.PrefixTuning(options).Fit(rows);
        trained.SaveAdapter(_directory.File("adapter"));
        using var loaded = _context.Model.LoadAdapter(_directory.File("adapter"), Tickets.TinyModel);
        Assert.Equal(Scores(trained, rows), Scores(loaded, rows));
        Assert.Equal((PredictionTask.Multiclass, "Text", "Label", (string?)null), (loaded.Task, loaded.TextColumnName, loaded.LabelColumnName, loaded.SecondTextColumnName));
        Assert.Empty(loaded.TrainingHistory.Epochs);

        _context.Model.Save(loaded, rows.Schema, _directory.File("again.zip"));
        using var again = (SoftPromptTransformer)_context.Model.Load(_directory.File("again.zip"), out _);
        Assert.Equal(Scores(trained, rows), Scores(again, rows));
        var named = _context.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(again.Transform(rows)).Transform(again.Transform(rows));
        Assert.All(named.GetColumn<string>("PredictedLabel"), name => Assert.Contains(name, new[] { "billing", "crash", "praise" }));
    }

    [Fact]
    public void An_adapter_that_writes_takes_the_template_that_it_does_not_say()
    {
        string adapter = Path.Combine(Fixtures.Folder("cases"), "tiny-llama__prefix__CAUSAL_LM", "adapter"), model = Fixtures.Model("tiny-llama");
        using var loaded = _context.Model.LoadAdapter(adapter, model, promptTemplate: "Say: {text}");
        Assert.Equal("Say: {text}", loaded.Model.PromptTemplate);
        Assert.Equal(PredictionTask.Generation, loaded.Task);
        Assert.All(loaded.Transform(Tickets.Load(_context, 3)).GetColumn<string>("GeneratedText"), text => Assert.NotNull(text));
        using var usual = _context.Model.LoadAdapter(adapter, model);
        Assert.Equal("{text}\n", usual.Model.PromptTemplate);
    }

    [Fact]
    public void A_template_for_a_classifier_and_a_directory_without_adapter_are_refused()
    {
        string classifier = Path.Combine(Fixtures.Folder("cases"), "tiny-bert__prefix__SEQ_CLS", "adapter");
        Assert.Contains("takes no other prompt template", Assert.Throws<ArgumentException>(() => _context.Model.LoadAdapter(classifier, Tickets.TinyModel, promptTemplate: "{text}!")).Message);
        Assert.Contains("adapter_config.json", Assert.Throws<FileNotFoundException>(() => _context.Model.LoadAdapter(_directory.Path)).Message);
    }

    [Fact]
    public void Every_step_of_a_training_is_told()
    {
        var steps = new List<TrainingProgress>();
        var options = Options();
        options.Progress = new Told(steps.Add);
        using var trained = _context.Transforms.PrefixTuning(options).Fit(Tickets.Keyed(_context));
        Assert.Equal(Enumerable.Range(1, steps[^1].Steps), steps.Select(progress => progress.Step));
        Assert.Equal((2, 2), (steps[^1].Epoch, steps[^1].Epochs));
        Assert.All(steps, progress => Assert.True(double.IsFinite(progress.Loss) && progress.ExamplesPerSecond > 0));
    }

    public void Dispose() => _directory.Dispose();

    private static PrefixTuningOptions Options() => new() { Model = Tickets.TinyModel, VirtualTokens = 4, MaxEpochs = 2, BatchSize = 16, Precision = Precision.Float32 };

    private static IReadOnlyList<float[]> Scores(SoftPromptTransformer model, IDataView rows) => [.. model.Transform(rows).GetColumn<float[]>("Score")];

    private sealed class Told(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
