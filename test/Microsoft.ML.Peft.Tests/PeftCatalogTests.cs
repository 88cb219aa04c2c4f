using System.Reflection;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests;

public sealed class PeftCatalogTests
{
    private readonly MLContext _context = new(seed: 1);

    [Theory]
    [InlineData(nameof(PeftCatalog.PromptTuning), typeof(PromptTuningEstimator), typeof(PromptTuningOptions))]
    [InlineData(nameof(PeftCatalog.PrefixTuning), typeof(PrefixTuningEstimator), typeof(PrefixTuningOptions))]
    [InlineData(nameof(PeftCatalog.PTuning), typeof(PTuningEstimator), typeof(PTuningOptions))]
    public void Each_method_has_a_short_overload_and_one_with_options(string name, Type estimator, Type options)
    {
        var overloads = typeof(PeftCatalog).GetMember(name).Cast<MethodInfo>().ToList();
        Assert.All(overloads, o => Assert.Equal(estimator, o.ReturnType));
        Assert.Contains(overloads, o => o.GetParameters().Select(p => p.ParameterType).SequenceEqual([typeof(TransformsCatalog), options]));
        var shortest = Assert.Single(overloads, o => o.GetParameters().Length == 7);
        Assert.Equal(
            [("labelColumnName", "Label"), ("textColumnName", "Text"), ("secondTextColumnName", null), ("model", null), ("virtualTokens", (object)20), ("validationSet", null)],
            shortest.GetParameters().Skip(1).Select(p => (p.Name!, p.DefaultValue)));
    }

    [Theory]
    [InlineData(typeof(PromptTuningEstimator))]
    [InlineData(typeof(PrefixTuningEstimator))]
    [InlineData(typeof(PTuningEstimator))]
    [InlineData(typeof(SoftPromptTransformer))]
    public void Components_are_sealed_and_made_by_the_catalog_only(Type type)
    {
        Assert.True(type.IsSealed);
        Assert.Empty(type.GetConstructors());
    }

    [Fact]
    public void The_short_overload_sets_the_options()
    {
        var data = _context.Data.LoadFromEnumerable([new Row(1, "a", "b")]);
        var shape = _context.Transforms.PrefixTuning("Rating", "Question", "Answer").GetOutputSchema(SchemaShapes.Of(data.Schema));
        Assert.Equal(["Rating", "Question", "Answer", "Score"], shape.Select(c => c.Name));
        Assert.Throws<ArgumentOutOfRangeException>(() => _context.Transforms.PrefixTuning(virtualTokens: 0));
    }

    [Fact]
    public void Estimators_append_to_a_pipeline_whose_schema_is_checked_before_training()
    {
        var data = _context.Data.LoadFromEnumerable([new Row(1, "a", "b")]);
        var pipeline = _context.Transforms.Conversion.MapValueToKey("Rating")
            .Append(_context.Transforms.PromptTuning("Rating", "Question"))
            .Append(_context.Transforms.Conversion.MapKeyToValue("Class", "PredictedLabel"));
        Assert.Equal("Class", pipeline.GetOutputSchema(SchemaShapes.Of(data.Schema)).Last().Name);
        var error = Assert.Throws<ArgumentException>(() => _context.Transforms.PromptTuning("Ratng", "Question").Fit(data));
        Assert.StartsWith("The label column 'Ratng' is missing; the columns are 'Rating', 'Question', 'Answer'.", error.Message);
    }

    [Fact]
    public void Null_arguments_are_refused()
    {
        Assert.Throws<ArgumentNullException>(() => _context.Transforms.PTuning((PTuningOptions)null!));
        Assert.Throws<ArgumentNullException>(() => _context.Transforms.PTuning().Fit(null!));
        Assert.Throws<ArgumentNullException>(() => _context.Transforms.PTuning().GetOutputSchema(null!));
    }

    private sealed record Row(float Rating, string Question, string Answer);
}
