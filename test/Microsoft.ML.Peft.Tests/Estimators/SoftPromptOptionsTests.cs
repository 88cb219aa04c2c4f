namespace Microsoft.ML.Peft.Tests.Estimators;

public sealed class SoftPromptOptionsTests
{
    private readonly TransformsCatalog _transforms = new MLContext().Transforms;

    [Fact]
    public void The_defaults_are_accepted()
    {
        Assert.NotNull(_transforms.PromptTuning(new PromptTuningOptions()));
        Assert.NotNull(_transforms.PrefixTuning(new PrefixTuningOptions()));
        Assert.NotNull(_transforms.PTuning(new PTuningOptions()));
    }

    [Fact]
    public void Numbers_out_of_their_range_are_refused_by_name_value_and_range()
    {
        OutOfRange(o => o.VirtualTokens = 0, "VirtualTokens is 0; it must be at least 1.");
        OutOfRange(o => o.MaxTokens = 2, "MaxTokens is 2; it must be at least 3.");
        OutOfRange(o => o.MaxEpochs = 0, "MaxEpochs is 0; it must be at least 1.");
        OutOfRange(o => o.BatchSize = -5, "BatchSize is -5; it must be at least 1.");
        OutOfRange(o => o.LearningRate = 0, "LearningRate is 0; it must be above 0 and at most 1000.");
        OutOfRange(o => o.LearningRate = double.NaN, "LearningRate is NaN; it must be above 0 and at most 1000.");
        OutOfRange(o => o.HeadLearningRate = double.PositiveInfinity, "HeadLearningRate is Infinity; it must be above 0 and at most 1000.");
        OutOfRange(o => o.WeightDecay = -0.5, "WeightDecay is -0.5; it must be a number of at least 0.");
        OutOfRange(o => o.WarmUpFraction = 1.5, "WarmUpFraction is 1.5; it must be from 0 to 1.");
        OutOfRange(o => o.MaxGradientNorm = 0, "MaxGradientNorm is 0; it must be a number above 0.");
        OutOfRange(o => o.ValidationFraction = 0.75, "ValidationFraction is 0.75; it must be from 0 to 0.5.");
        OutOfRange(o => o.ValidationFraction = double.NaN, "ValidationFraction is NaN; it must be from 0 to 0.5.");
        OutOfRange(o => o.Patience = 0, "Patience is 0; it must be at least 1.");
        OutOfRange(o => o.Generation = new GenerationOptions { MaxNewTokens = 0 }, "MaxNewTokens is 0; it must be at least 1.");
        OutOfRange(o => o.Generation = new GenerationOptions { Temperature = -1 }, "Temperature is -1; it must be a number of at least 0.");
    }

    [Fact]
    public void Unknown_enumeration_values_are_refused_with_the_known_ones()
    {
        OutOfRange(o => o.Pooling = (Pooling)77, "Pooling is 77; it must be Auto, Mean, Cls, HuggingFace.");
        OutOfRange(o => o.Precision = (Precision)77, "Precision is 77; it must be Auto, Float32, BFloat16.");
        OutOfRange(o => o.Schedule = (LearningRateSchedule)77, "Schedule is 77; it must be Linear, Cosine.");
        OutOfRange(o => o.Head = (ClassificationHead)77, "Head is 77; it must be Trained, LabelWords.");
    }

    [Fact]
    public void Each_methods_own_options_are_checked()
    {
        Assert.StartsWith("InitializationRange is 0; it must be a number above 0.",
            Assert.Throws<ArgumentOutOfRangeException>(() => _transforms.PromptTuning(new PromptTuningOptions { InitializationRange = 0 })).Message);
        Assert.StartsWith("Initialization is 9; it must be Zeros, Normal, Text.",
            Assert.Throws<ArgumentOutOfRangeException>(() => _transforms.PrefixTuning(new PrefixTuningOptions { Initialization = (PrefixInitialization)9 })).Message);
        Assert.StartsWith("ProjectionHiddenSize is 0; it must be at least 1.",
            Assert.Throws<ArgumentOutOfRangeException>(() => _transforms.PrefixTuning(new PrefixTuningOptions { ProjectionHiddenSize = 0 })).Message);
        Assert.StartsWith("EncoderHiddenSize is 0; it must be at least 1.",
            Assert.Throws<ArgumentOutOfRangeException>(() => _transforms.PTuning(new PTuningOptions { EncoderHiddenSize = 0 })).Message);
        Assert.StartsWith("EncoderLayers is 0; it must be at least 1.",
            Assert.Throws<ArgumentOutOfRangeException>(() => _transforms.PTuning(new PTuningOptions { EncoderLayers = 0 })).Message);
        Assert.StartsWith("EncoderDropout is 2; it must be from 0 to 1.",
            Assert.Throws<ArgumentOutOfRangeException>(() => _transforms.PTuning(new PTuningOptions { EncoderDropout = 2 })).Message);
        Assert.StartsWith("InitializationText is empty; leave it null or give it a value.",
            Assert.Throws<ArgumentException>(() => _transforms.PTuning(new PTuningOptions { InitializationText = " " })).Message);
    }

    [Fact]
    public void Column_names_must_be_given_and_differ()
    {
        Refused(o => o.LabelColumnName = null!, "LabelColumnName is null; it must be a name.");
        Refused(o => o.TextColumnName = "", "TextColumnName is empty; it must be a name.");
        Refused(o => o.SecondTextColumnName = "", "SecondTextColumnName is empty; leave it null or give it a value.");
        Refused(o => o.SecondTextColumnName = "Text", "SecondTextColumnName is 'Text', the same as TextColumnName; it must be another column.");
        Refused(o => o.GeneratedTextColumnName = null!, "GeneratedTextColumnName is null; it must be a name.");
        Refused(o => o.Model = " ", "Model is empty; leave it null or give it a value.");
        Refused(o => o.ScoreColumnName = "Probability",
            "PredictedLabelColumnName, ScoreColumnName and ProbabilityColumnName are 'PredictedLabel', 'Probability' and 'Probability'; they must be three different columns.");
    }

    [Fact]
    public void A_prompt_template_has_a_place_for_each_text_column()
    {
        Refused(o => o.PromptTemplate = "", "The prompt template '' must hold {text} once, where the text goes.");
        Refused(o => o.PromptTemplate = "Facts:", "The prompt template 'Facts:' must hold {text} once, where the text goes.");
        Refused(o => o.PromptTemplate = "{text} {text}", "The prompt template '{text} {text}' must hold {text} once, where the text goes.");
        Refused(o => o.PromptTemplate = "{text} {second}",
            "PromptTemplate '{text} {second}' has a place for a second text, but there is no SecondTextColumnName; name the column, or take {second} out.");
        Refused(o => (o.PromptTemplate, o.SecondTextColumnName) = ("{text}", "Second"),
            "PromptTemplate '{text}' has no place for the second text column 'Second'; put {second} where it goes.");
        Refused(o => (o.PromptTemplate, o.SecondTextColumnName) = ("{second}{text}{second}", "Second"),
            "The prompt template '{second}{text}{second}' holds {second} more than once; the second text has one place.");
        Assert.NotNull(_transforms.PrefixTuning(new PrefixTuningOptions { PromptTemplate = "{second} {{text}} {", SecondTextColumnName = "Second" }));
        Assert.Throws<ArgumentNullException>(() => _transforms.PrefixTuning(new PrefixTuningOptions { Generation = null! }));
    }

    [Fact]
    public void Label_words_that_nothing_reads_are_refused()
        => Refused(o => o.LabelWords = new Dictionary<string, string>(), "LabelWords are given, but Head is Trained, which does not read them; set it to LabelWords.");

    [Fact]
    public void Later_changes_of_the_options_have_no_effect()
    {
        var options = new PromptTuningOptions();
        var estimator = _transforms.PromptTuning(options);
        options.TextColumnName = "Other";
        var context = new MLContext();
        var data = context.Data.LoadFromEnumerable([new Row(true, "a")]);
        var shape = estimator.GetOutputSchema(Support.SchemaShapes.Of(data.Schema));
        Assert.Equal(["Label", "Text", "PredictedLabel", "Probability", "Score"], shape.Select(c => c.Name));
    }

    private void OutOfRange(Action<SoftPromptOptions> change, string message)
    {
        var options = new PromptTuningOptions();
        change(options);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => _transforms.PromptTuning(options));
        Assert.Equal($"{message} (Parameter '{error.ParamName}')", error.Message);
    }

    private void Refused(Action<SoftPromptOptions> change, string message)
    {
        var options = new PrefixTuningOptions();
        change(options);
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => _transforms.PrefixTuning(options)).Message);
    }

    private sealed record Row(bool Label, string Text);
}
