using Microsoft.ML.Data;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Estimators;

/// <summary>Pipelines that classify by the words of their labels, on a tiny language model.</summary>
public sealed class LabelWordsPipelineTests
{
    private readonly MLContext _context = new(seed: 1);

    [Fact]
    public void Keys_are_predicted_as_by_a_trained_head_and_saved_alike()
    {
        var rows = Tickets.Keyed(_context);
        using var model = Fit(rows, o => (o.SecondTextColumnName, o.PromptTemplate) = ("Second", "{second}: {text} is"));
        var scored = model.Transform(rows);
        Assert.Equal(
            SchemaShapes.Describe(Estimator(_ => { }).GetOutputSchema(SchemaShapes.Of(rows.Schema))), SchemaShapes.Describe(SchemaShapes.Of(scored.Schema)));
        Assert.All(scored.GetColumn<float[]>("Score"), score => Assert.Equal(1, score.Sum(), 4));
        Assert.True(double.IsFinite(_context.MulticlassClassification.Evaluate(scored).LogLoss));
        Assert.Equal("{second}: {text} is", model.Model.PromptTemplate);

        using var stream = new MemoryStream();
        _context.Model.Save(model, rows.Schema, stream);
        stream.Position = 0;
        using var loaded = (SoftPromptTransformer)new MLContext().Model.Load(stream, out _);
        Assert.Equal(Scores(model, rows), Scores(loaded, rows));
    }

    [Fact]
    public void Booleans_have_words_of_their_own()
    {
        var rows = Tickets.Load(_context);
        using var model = Fit(rows, o => (o.LabelColumnName, o.LabelWords) = ("IsCrash", new Dictionary<string, string> { ["True"] = "crash", ["False"] = "fine" }));
        Assert.True(double.IsFinite(_context.BinaryClassification.Evaluate(model.Transform(rows), "IsCrash").LogLoss));
        Assert.Equal(["False", "True"], model.Model.Labels);
    }

    [Fact]
    public void Other_words_are_another_classifier()
    {
        var rows = Tickets.Keyed(_context);
        using var names = Fit(rows);
        using var words = Fit(rows, o => o.LabelWords = new Dictionary<string, string> { ["praise"] = "very good" });
        Assert.NotEqual(Scores(names, rows), Scores(words, rows));
    }

    private PrefixTuningEstimator Estimator(Action<SoftPromptOptions> change)
    {
        var options = new PrefixTuningOptions
        {
            Model = Stories.TinyModel,
            VirtualTokens = 4,
            MaxEpochs = 2,
            Precision = Precision.Float32,
            Seed = 1,
            Head = ClassificationHead.LabelWords,
        };
        change(options);
        return _context.Transforms.PrefixTuning(options);
    }

    private SoftPromptTransformer Fit(IDataView rows, Action<SoftPromptOptions>? change = null) => Estimator(change ?? (_ => { })).Fit(rows);

    private static float[] Scores(SoftPromptTransformer model, IDataView rows) => [.. model.Transform(rows).GetColumn<float[]>("Score").SelectMany(score => score)];
}
