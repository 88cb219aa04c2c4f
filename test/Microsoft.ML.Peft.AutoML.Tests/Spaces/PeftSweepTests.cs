using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.AutoML.Tests.Spaces;

public sealed class PeftSweepTests
{
    [Fact]
    public void A_sweep_of_an_options_class_searches_what_its_attributes_mark()
    {
        var space = new PeftSweep<PrefixTuningOptions>("mine").Space;
        var tokens = Assert.IsType<NumericDimension>(Find(space, "VirtualTokens"));
        Assert.True(tokens is { Min: 4, Max: 128, Log: true, Integer: true, Default: 20 });
        Assert.Equal([false, true], Assert.IsType<ChoiceDimension>(Find(space, "Projection")).Values);
        Assert.Equal(3, Assert.IsType<ChoiceDimension>(Find(space, "Initialization")).Values.Count);
        Assert.DoesNotContain(space.Dimensions, dimension => dimension.Name is "MaxEpochs" or "Seed" or "TextColumnName");
    }

    [Fact]
    public void The_five_methods_are_searched_under_their_own_names_and_ranges()
    {
        var spaces = PeftSweep.All.Select(sweep => sweep.Space).ToList();
        Assert.Equal(5, spaces.Select(space => space.Method).Distinct().Count());
        Assert.All(spaces, space => Assert.Contains(space.Dimensions, dimension => dimension.Name == "LearningRate"));
        Assert.Equal(1e-1, ((NumericDimension)Find(PeftSweep.PromptTuning().Space, "LearningRate")).Max);
        Assert.Equal(5e-5, ((NumericDimension)Find(PeftSweep.ProjectedPrefixTuning().Space, "LearningRate")).Min);
        Assert.DoesNotContain(PeftSweep.PrefixTuning().Space.Dimensions, dimension => dimension.Name == "ProjectionHiddenSize");
        Assert.Contains(PeftSweep.ProjectedPrefixTuning().Space.Dimensions, dimension => dimension.Name == "ProjectionHiddenSize");
    }

    [Fact]
    public void The_first_trial_of_a_method_has_its_default_options()
    {
        Assert.All(PeftSweep.All, sweep =>
        {
            var options = sweep.CreateOptions(sweep.Space.Default);
            Assert.Equal(20, options.VirtualTokens);
            Assert.Equal(1e-2, options.HeadLearningRate);
            Assert.Equal(options switch { PTuningOptions => 3e-3, PrefixTuningOptions { Projection: true } => 1e-3, _ => 3e-2 }, options.LearningRate);
        });
        Assert.True(((PrefixTuningOptions)PeftSweep.ProjectedPrefixTuning().CreateOptions(PeftSweep.ProjectedPrefixTuning().Space.Default)).Projection);
        Assert.Equal(PromptEncoder.Lstm, ((PTuningOptions)PeftSweep.PTuningLstm().CreateOptions(PeftSweep.PTuningLstm().Space.Default)).Encoder);
    }

    [Fact]
    public void Every_point_of_every_space_is_a_valid_set_of_options()
    {
        var random = new Random(1);
        foreach (var sweep in PeftSweep.All)
        {
            for (int i = 0; i < 100; i++)
            {
                var configuration = new Configuration(sweep.Space, [.. sweep.Space.Dimensions.Select(dimension => dimension.At(random.NextDouble()))]);
                var options = sweep.CreateOptions(configuration);
                foreach (var (dimension, value) in sweep.Space.Dimensions.Zip(configuration.Values))
                    Assert.Equal(value, options.GetType().GetProperty(dimension.Name)!.GetValue(options));
            }
        }
    }

    [Fact]
    public void Ranges_choices_and_values_are_changed_in_code()
    {
        var sweep = PeftSweep.PromptTuning()
            .WithRange(o => o.LearningRate, 1e-3, 1e-2, log: true)
            .WithRange(o => o.VirtualTokens, 10, 12)
            .WithChoice(o => o.WeightDecay, 0.1, 0.2)
            .WithValue(o => o.Initialization, PromptInitialization.RandomUniform);
        Assert.True(Find(sweep.Space, "LearningRate") is NumericDimension { Max: 1e-2, Log: true, Default: 1e-2 });
        Assert.True(Find(sweep.Space, "VirtualTokens") is NumericDimension { Min: 10, Max: 12, Log: false, Integer: true, Default: 12 });
        Assert.DoesNotContain(sweep.Space.Dimensions, dimension => dimension.Name == "Initialization");
        var options = (PromptTuningOptions)sweep.CreateOptions(sweep.Space.Default);
        Assert.Equal(PromptInitialization.RandomUniform, options.Initialization);
        Assert.Equal(0.1, options.WeightDecay);
    }

    [Fact]
    public void A_change_leaves_the_sweep_it_was_made_from_alone()
    {
        var sweep = PeftSweep.PromptTuning();
        sweep.WithRange(o => o.VirtualTokens, 1, 2);
        Assert.Equal(100, ((NumericDimension)Find(sweep.Space, "VirtualTokens")).Max);
    }

    [Fact]
    public void The_given_options_hold_where_nothing_is_searched()
    {
        var sweep = PeftSweep.PrefixTuning(new PrefixTuningOptions { MaxTokens = 48, BatchSize = 8, VirtualTokens = 10 });
        var options = sweep.CreateOptions(sweep.Space.Default);
        Assert.Equal((48, 8, 10), (options.MaxTokens, options.BatchSize, options.VirtualTokens));
    }

    [Fact]
    public void Models_are_searched_like_any_other_option()
    {
        var sweep = PeftSweep.PrefixTuning().WithChoice(o => o.Model, "small", "large");
        Assert.Equal("small", sweep.CreateOptions(sweep.Space.Default).Model);
    }

    [Fact]
    public void A_value_that_no_trial_could_use_is_refused_at_once()
    {
        Assert.Contains("VirtualTokens", Assert.ThrowsAny<ArgumentException>(() => PeftSweep.PromptTuning().WithRange(o => o.VirtualTokens, 0, 10)).Message, StringComparison.Ordinal);
        Assert.Contains("LearningRate", Assert.ThrowsAny<ArgumentException>(() => PeftSweep.PromptTuning().WithRange(o => o.LearningRate, 1, 1e6, log: true)).Message, StringComparison.Ordinal);
        Assert.ThrowsAny<ArgumentException>(() => PeftSweep.PrefixTuning().WithChoice(o => o.BatchSize, 8, -1));
        Assert.ThrowsAny<ArgumentException>(() => PeftSweep.PrefixTuning().WithValue(o => o.BatchSize, 0));
    }

    [Fact]
    public void What_is_no_option_is_refused()
    {
        Assert.Contains("o => o.VirtualTokens", Assert.Throws<ArgumentException>(() => PeftSweep.PromptTuning().WithRange(o => 3.0, 1, 2)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => PeftSweep.PromptTuning().WithRange(o => o.VirtualTokens + 1, 1, 2));
        Assert.Throws<ArgumentException>(() => PeftSweep.PromptTuning().WithChoice(o => o.InitializationText!.Length, 1, 2));
    }

    [Fact]
    public void What_belongs_to_the_experiment_is_not_searched()
    {
        Assert.Contains("MaxEpochs", Assert.Throws<ArgumentException>(() => PeftSweep.PromptTuning().WithRange(o => o.MaxEpochs, 1, 2)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => PeftSweep.PromptTuning().WithChoice(o => o.TextColumnName, "A", "B"));
        Assert.Contains("SetMaxEpochs", Assert.Throws<ArgumentException>(() => PeftSweep.PromptTuning(new PromptTuningOptions { MaxEpochs = 3 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_head_of_label_words_is_on_a_decoder_and_has_no_learning_rate()
    {
        var sweep = PeftSweep.PromptTuning(new PromptTuningOptions { Head = ClassificationHead.LabelWords }).WithRange(o => o.HeadLearningRate, 1e-3, 1e-2);
        Assert.DoesNotContain(sweep.Space.Dimensions, dimension => dimension.Name == "HeadLearningRate");
        var options = sweep.CreateOptions(sweep.Space.Default);
        Assert.Equal((ClassificationHead.LabelWords, "SmolLM2-135M-Instruct"), (options.Head, options.Model));
        Assert.Equal("mine", PeftSweep.PromptTuning(new PromptTuningOptions { Head = ClassificationHead.LabelWords, Model = "mine" }).CreateOptions(sweep.Space.Default).Model);
    }

    [Fact]
    public void In_generation_the_usual_range_reaches_the_learning_rate_of_encoder_decoders()
    {
        NumericDimension Rate(PeftSweep sweep) => (NumericDimension)Find(sweep.ForGeneration().Space, "LearningRate");
        double t5 = GenerationTrainer.LearningRate(new PromptTuningOptions().ToMethodSettings(), encoderDecoder: true, new PromptTuningOptions().ToTrainingSettings(0, null, writes: true));
        Assert.Equal(0.3, t5);
        Assert.Equal((1e-3, t5, 0.05), (Rate(PeftSweep.PromptTuning()).Min, Rate(PeftSweep.PromptTuning()).Max, (double)Rate(PeftSweep.PromptTuning()).Default));
        Assert.Equal(3e-2, Rate(PeftSweep.PrefixTuning()).Max);
        // A user's own range is left alone, and classification's, too.
        Assert.Equal(1e-1, Rate(PeftSweep.PromptTuning().WithRange(o => o.LearningRate, 1e-3, 1e-1, log: true)).Max);
        Assert.Equal(1e-1, ((NumericDimension)Find(PeftSweep.PromptTuning().Space, "LearningRate")).Max);
    }

    [Fact]
    public void A_choice_can_be_taken_out()
    {
        var sweep = PeftSweep.PromptTuning().Without("Initialization", PromptInitialization.LabelWords);
        Assert.Equal([PromptInitialization.Text, PromptInitialization.SampledVocabulary], ((ChoiceDimension)Find(sweep.Space, "Initialization")).Values);
        Assert.Same(sweep, sweep.Without("Initialization", PromptInitialization.LabelWords));
    }

    private static Dimension Find(MethodSpace space, string name) => Assert.Single(space.Dimensions, dimension => dimension.Name == name);
}
