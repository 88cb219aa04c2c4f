using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Estimators;

/// <summary>Fits that go on from the adapter of another one.</summary>
public sealed class InitialAdapterOptionTests : IDisposable
{
    private readonly MLContext _context = new(seed: 1);
    private readonly TemporaryDirectory _directory = new();

    [Theory]
    [InlineData("prompt")]
    [InlineData("p-tuning")]
    [InlineData("projected")]
    public void A_fit_goes_on_from_a_saved_adapter(string method)
    {
        var rows = Tickets.Keyed(_context);
        using var first = Fit(method, rows, 8);
        first.SaveAdapter(_directory.Path, includeTrainingState: true);
        using var second = Fit(method, rows, 1, _directory.Path);
        Assert.True(
            second.TrainingHistory.Epochs[0].TrainingLoss < first.TrainingHistory.Epochs[0].TrainingLoss,
            $"{first.TrainingHistory.Epochs[0].TrainingLoss}, {second.TrainingHistory.Epochs[0].TrainingLoss}");
    }

    [Fact]
    public void A_transformer_of_a_loaded_pipeline_says_that_it_has_no_training_state()
    {
        var rows = Tickets.Keyed(_context);
        using var model = Fit("p-tuning", rows, 1);
        string path = _directory.File("model.zip");
        _context.Model.Save(model, rows.Schema, path);
        Assert.DoesNotContain(System.IO.Compression.ZipFile.OpenRead(path).Entries, entry => entry.FullName.Contains("training_state", StringComparison.Ordinal));
        using var loaded = (SoftPromptTransformer)_context.Model.Load(path, out _);
        loaded.SaveAdapter(_directory.File("adapter"));
        var error = Assert.Throws<InvalidOperationException>(() => loaded.SaveAdapter(_directory.File("adapter"), includeTrainingState: true));
        Assert.EndsWith("from the transformer that Fit returns.", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _directory.Dispose();

    private SoftPromptTransformer Fit(string method, IDataView rows, int epochs, string? initialAdapter = null)
    {
        T With<T>(T options) where T : SoftPromptOptions
        {
            (options.Model, options.Precision, options.VirtualTokens) = (Tickets.TinyModel, Precision.Float32, 4);
            (options.MaxEpochs, options.BatchSize, options.ValidationFraction, options.InitialAdapter) = (epochs, 8, 0, initialAdapter);
            return options;
        }
        var transforms = _context.Transforms;
        return method switch
        {
            "prompt" => transforms.PromptTuning(With(new PromptTuningOptions())).Fit(rows),
            "projected" => transforms.PrefixTuning(With(new PrefixTuningOptions { Projection = true })).Fit(rows),
            _ => transforms.PTuning(With(new PTuningOptions())).Fit(rows),
        };
    }
}
