using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Tests;

public sealed class SoftPromptTrainerTests : IDisposable
{
    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
    private readonly TinyTraining _training = new();

    public static TheoryData<string> Methods => TinyMethods.Names;

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_method_learns_a_simple_task(string method)
    {
        var rows = TinyTraining.Classes(48);
        var (model, history) = _training.Run(_backbone, rows, TinyTraining.Settings with { MaxEpochs = 12, ValidationFraction = 0 }, method);
        using var owned = model;
        Assert.True(history.Epochs[^1].TrainingLoss < 0.5 * history.Epochs[0].TrainingLoss, $"{history.Epochs[0].TrainingLoss} → {history.Epochs[^1].TrainingLoss}");
        Assert.InRange(TinyTraining.Accuracy(model, rows), 0.95, 1);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_same_seed_gives_the_same_bits_and_another_seed_others(string method)
    {
        var rows = TinyTraining.Classes(24);
        IReadOnlyDictionary<string, byte[]> Files(int seed)
        {
            using var model = _training.Run(_backbone, rows, TinyTraining.Settings with { Seed = seed }, method).Model;
            return model.ToFiles();
        }
        var (first, second, other) = (Files(1), Files(1), Files(2));
        Assert.Equal(first.Keys.Order(StringComparer.Ordinal), second.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, content) in first)
            Assert.Equal(content, second[name]);
        Assert.NotEqual(first["adapter_model.safetensors"], other["adapter_model.safetensors"]);
        Assert.NotEqual(first["head.safetensors"], other["head.safetensors"]);
    }

    [Fact]
    public void An_encoder_decoder_does_not_classify()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-t5"), Precision.Float32);
        var error = Assert.Throws<NotSupportedException>(() => _training.Run(backbone, TinyTraining.Classes(8)));
        Assert.Contains("is an encoder–decoder (t5), which writes and neither classifies nor regresses", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_returned_model_is_that_of_the_best_epoch()
    {
        var validation = TinyTraining.Classes(40, seed: 2);
        // Half of the labels are wrong, so that the metric goes up and down.
        var train = Flip(TinyTraining.Classes(32), row => row % 8 < 4);
        var (model, history) = _training.Run(_backbone, train, TinyTraining.Settings with { MaxEpochs = 10, Patience = 10, LearningRate = 0.3 }, validation: validation);
        using var owned = model;
        Assert.Equal(history.ValidationMetric!.Value, TinyTraining.Accuracy(model, validation), 6);
        double best = history.Epochs.Max(epoch => epoch.ValidationMetric!.Value);
        Assert.True(history.ValidationMetric >= best);
        if (history.BestEpoch > 0)
            Assert.Equal(history.Epochs.Last(epoch => epoch.ValidationMetric == best).Epoch, history.BestEpoch);
    }

    [Fact]
    public void The_start_counts_as_epoch_0_and_patience_ends_the_training()
    {
        // The untrained head answers class 0, which is right for 30 of 40 rows; what training teaches is wrong for all.
        var validation = TinyTraining.Classes(60, seed: 2);
        int[] kept = [.. Enumerable.Range(0, 60).Where(row => row % 2 == 1 || row < 20)];
        validation = Flip(new LabeledTexts([.. kept.Select(row => validation.Texts[row])], null, [.. kept.Select(row => validation.Labels[row])]), _ => true);
        var (model, history) = _training.Run(
            _backbone, TinyTraining.Classes(48), TinyTraining.Settings with { MaxEpochs = 30, BatchSize = 2, Patience = 4, LabelNames = ["a", "b"] }, validation: validation);
        using var owned = model;
        Assert.Equal(0, history.BestEpoch);
        Assert.Equal(0.75, history.ValidationMetric!.Value, 6);
        Assert.Equal(4, history.Epochs.Count);
        Assert.Equal([0.5f, 0.5f], model.Classify(["the whale"])[0]);
        Assert.Contains("Stopped early: no better Accuracy than 0.7500 since epoch 0.", _training.Lines);
        Assert.Contains(_training.Lines, line => line.StartsWith("Kept epoch 0: validation Accuracy 0.7500, ", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_validation_the_last_epoch_is_kept_and_nothing_is_compared()
    {
        var (model, history) = _training.Run(_backbone, TinyTraining.Classes(16), TinyTraining.Settings with { ValidationFraction = 0, MaxEpochs = 3 });
        using var owned = model;
        Assert.Equal(3, history.BestEpoch);
        Assert.Null(history.ValidationMetric);
        Assert.Null(history.ProbeValidationMetric);
        Assert.Null(history.ImprovementOverProbe);
        Assert.All(history.Epochs, epoch => Assert.Null(epoch.ValidationMetric));
        Assert.Equal(3, _training.Lines.Count);
    }

    [Fact]
    public void Too_few_rows_to_hold_any_out_are_said()
    {
        var (model, history) = _training.Run(_backbone, TinyTraining.Classes(4), TinyTraining.Settings);
        using var owned = model;
        Assert.Null(history.ValidationMetric);
        Assert.Equal("With 4 rows none are held out for validation: the last epoch is kept, and no linear probe is compared.", _training.Lines[0]);
    }

    [Fact]
    public void Rows_held_out_are_said_and_not_trained_on()
    {
        var (model, history) = _training.Run(_backbone, TinyTraining.Classes(40), TinyTraining.Settings with { ValidationFraction = 0.25, BatchSize = 10 });
        using var owned = model;
        Assert.Equal("10 of 40 rows are held out for validation.", _training.Lines[0]);
        Assert.Equal(3, _training.Steps.Count(step => step.Epoch == 1));
        Assert.NotNull(history.ProbeValidationMetric);
        Assert.Equal(history.ValidationMetric - history.ProbeValidationMetric, history.ImprovementOverProbe);
        Assert.Equal("Accuracy", history.MetricName);
    }

    [Fact]
    public void There_is_one_line_for_each_epoch()
    {
        _training.Run(_backbone, TinyTraining.Classes(40), TinyTraining.Settings with { MaxEpochs = 3 }).Model.Dispose();
        var epochs = _training.Lines.Where(line => line.StartsWith("Epoch ", StringComparison.Ordinal)).ToArray();
        Assert.Equal(3, epochs.Length);
        for (int i = 0; i < 3; i++)
            Assert.Matches($@"^Epoch {i + 1}/3: loss \d+\.\d{{4}}, validation Accuracy \d\.\d{{4}}( \(best\))?, \d+ examples/s, ETA \d\d:\d\d$", epochs[i]);
    }

    [Fact]
    public void Progress_comes_after_every_step_and_ends_with_nothing_left()
    {
        _training.Run(_backbone, TinyTraining.Classes(40), TinyTraining.Settings with { MaxEpochs = 3 }).Model.Dispose();
        const int batches = 5;      // 36 rows, 8 in a batch
        Assert.Equal(Enumerable.Range(1, 3 * batches), _training.Steps.Select(step => step.Step));
        Assert.Equal(Enumerable.Range(0, 3 * batches).Select(i => i / batches + 1), _training.Steps.Select(step => step.Epoch));
        Assert.All(_training.Steps, step =>
        {
            Assert.Equal((3, 3 * batches), (step.Epochs, step.Steps));
            Assert.True(double.IsFinite(step.Loss) && step.Loss > 0);
            Assert.True(double.IsFinite(step.ExamplesPerSecond) && step.ExamplesPerSecond > 0);
            Assert.InRange(step.Remaining, TimeSpan.Zero, TimeSpan.FromMinutes(5));
            Assert.Equal(step.Epoch > 1, step.Metric is not null);
        });
        Assert.Equal(TimeSpan.Zero, _training.Steps[^1].Remaining);
        Assert.All(_training.Steps.SkipLast(1), step => Assert.True(step.Remaining > TimeSpan.Zero));
    }

    [Fact]
    public void Epochs_record_speed_loss_and_learning_rate()
    {
        var (model, history) = _training.Run(_backbone, TinyTraining.Classes(40), TinyTraining.Settings with { MaxEpochs = 3, LearningRate = 0.02, WarmUpFraction = 0 });
        using var owned = model;
        Assert.Equal([1, 2, 3], history.Epochs.Select(epoch => epoch.Epoch));
        Assert.All(history.Epochs, epoch => Assert.True(epoch.Seconds > 0 && epoch.ExamplesPerSecond > 0 && epoch.TokensPerSecond > epoch.ExamplesPerSecond));
        Assert.Equal(0.02 * 2 / 3, history.Epochs[0].LearningRate, 10);
        Assert.Equal(0, history.Epochs[^1].LearningRate, 10);
    }

    [Theory]
    [InlineData(8, 150)]
    [InlineData(1, 60)]
    public void Without_a_number_of_epochs_there_are_300_steps_but_at_least_5_epochs(int batchSize, int epochs)
    {
        var training = new TinyTraining { CancelAfter = 1 };
        var settings = TinyTraining.Settings with { MaxEpochs = null, BatchSize = batchSize, ValidationFraction = 0 };
        Assert.Throws<OperationCanceledException>(() => training.Run(_backbone, TinyTraining.Classes(batchSize == 1 ? 5 : 16), settings));
        Assert.Equal(epochs, training.Steps[0].Epochs);
        Assert.Equal(300, training.Steps[0].Steps);
    }

    [Fact]
    public void Large_sets_get_5_epochs()
    {
        var training = new TinyTraining { CancelAfter = 1 };
        Assert.Throws<OperationCanceledException>(() => training.Run(_backbone, TinyTraining.Classes(100), TinyTraining.Settings with { MaxEpochs = null, BatchSize = 1, ValidationFraction = 0 }));
        Assert.Equal(5, training.Steps[0].Epochs);
    }

    [Fact]
    public void Divergence_is_explained()
    {
        var settings = TinyTraining.Settings with { LearningRate = 3e37, HeadLearningRate = 3e37, WarmUpFraction = 0, ValidationFraction = 0 };
        var error = Assert.Throws<DivergedException>(() => _training.Run(_backbone, TinyTraining.Classes(40), settings));
        Assert.Matches(@"^Training diverged: the loss became \S+ in epoch 1, step \d\. Use a lower LearningRate than 3E\+37 or a lower HeadLearningRate than 3E\+37, or Precision\.Float32\.$", error.Message);
    }

    [Fact]
    public void Virtual_tokens_that_leave_no_room_for_text_are_refused()
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => _training.Run(_backbone, TinyTraining.Classes(8), methodSettings: new PromptTuningSettings(126)));
        Assert.Contains("126 virtual tokens leave 2 of the model's 128 positions for the text; use at most 125.", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => _training.Run(_backbone, TinyTraining.Classes(8), methodSettings: new PrefixTuningSettings(10_000)));
        _training.Run(_backbone, TinyTraining.Classes(8), methodSettings: new PromptTuningSettings(125) { InitializationText = "whale" }).Model.Dispose();
    }

    [Fact]
    public void MaxTokens_that_do_not_fit_beside_the_virtual_tokens_are_refused()
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => _training.Run(_backbone, TinyTraining.Classes(8), TinyTraining.Settings with { MaxTokens = 125 }));
        Assert.Contains("MaxTokens = 125 and 4 virtual tokens do not fit the model's 128 positions; use at most 124 tokens, or null.", error.Message, StringComparison.Ordinal);
        _training.Run(_backbone, TinyTraining.Classes(8), TinyTraining.Settings with { MaxTokens = 124 }).Model.Dispose();
    }

    [Fact]
    public void Texts_that_were_cut_are_counted_and_later_texts_are_cut_alike()
    {
        var rows = new LabeledTexts(["the whale was there with all", "the man", "the whale", "the man was there with all"], null, [0, 1, 0, 1]);
        var (model, _) = _training.Run(_backbone, rows, TinyTraining.Settings with { MaxTokens = 5 });
        using var owned = model;
        Assert.Equal("2 texts were longer than 5 tokens and cut.", _training.Lines[0]);
        Assert.Equal(model.Classify(["the whale was"])[0], model.Classify(["the whale was there one"])[0]);
        Assert.NotEqual(model.Classify(["the whale was"])[0], model.Classify(["the whale"])[0]);
    }

    [Fact]
    public void Second_texts_are_learned_from()
    {
        var rows = TinyTraining.Classes(48);
        var pairs = new LabeledTexts([.. rows.Texts.Select(_ => "the")], rows.Texts, rows.Labels);
        using var model = _training.Run(_backbone, pairs, TinyTraining.Settings with { MaxEpochs = 12, ValidationFraction = 0 }).Model;
        Assert.InRange(TinyTraining.Accuracy(model, pairs), 0.95, 1);
    }

    [Fact]
    public void Values_are_learned_and_predicted_on_the_labels_own_scale()
    {
        var rows = TinyTraining.Values(60);
        var (model, history) = _training.Run(_backbone, rows, TinyTraining.Settings with { MaxEpochs = 25 }, task: PredictionTask.Regression, validation: rows);
        using var owned = model;
        Assert.Equal("RSquared", history.MetricName);
        Assert.Equal(1, model.Outputs);
        var scores = new float[rows.Count];
        model.Score([.. rows.Texts], [], scores);
        Assert.InRange(scores.Average(), 1010, 1030);
        Assert.InRange(history.ValidationMetric!.Value, 0.8, 1);
        Assert.Equal(history.ValidationMetric.Value, TaskLoss.Metric(PredictionTask.Regression, scores, rows.Labels), 3);
    }

    [Theory]
    [InlineData(10)]    // one row would be held out
    [InlineData(21)]    // two would, of the same value
    public void Values_that_R_squared_could_not_judge_are_not_held_out(int count)
    {
        var rows = TinyTraining.Values(count);
        if (count > 10)
            rows = rows with { Labels = [.. rows.Labels.Select((_, row) => row == 0 ? 1f : 0)] };
        var (model, history) = _training.Run(_backbone, rows, task: PredictionTask.Regression);
        using var owned = model;
        Assert.Null(history.ValidationMetric);
        Assert.Contains(_training.Lines, line => line.StartsWith($"With {count} rows none are held out", StringComparison.Ordinal));
    }

    [Fact]
    public void Validation_values_that_are_all_the_same_are_explained()
    {
        var rows = TinyTraining.Values(20);
        var same = rows with { Labels = [.. rows.Labels.Select(_ => 5f)] };
        var error = Assert.Throws<InvalidOperationException>(() => _training.Run(_backbone, rows, task: PredictionTask.Regression, validation: same));
        Assert.Contains("labels are all the same", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Binary_is_two_classes_and_label_names_are_kept()
    {
        using var model = _training.Run(_backbone, TinyTraining.Classes(16), TinyTraining.Settings with { LabelNames = ["no", "yes"] }, task: PredictionTask.Binary).Model;
        Assert.Equal(2, model.Outputs);
        Assert.Equal(["no", "yes"], model.Labels);
        Assert.Equal(PredictionTask.Binary, model.Task);
        Assert.Equal(4, model.VirtualTokens);
    }

    [Fact]
    public void Hugging_Faces_head_needs_the_pooler_that_it_stands_on()
    {
        using var copy = new ModelCopy().Rewrite(tensors =>
        {
            tensors.Remove("bert.pooler.dense.weight");
            tensors.Remove("bert.pooler.dense.bias");
        });
        using var backbone = copy.Load();
        var error = Assert.Throws<NotSupportedException>(() => _training.Run(backbone, TinyTraining.Classes(8), TinyTraining.Settings with { Pooling = Pooling.HuggingFace }));
        Assert.Contains("choose Pooling.Mean or Pooling.Cls", error.Message, StringComparison.Ordinal);
        _training.Run(backbone, TinyTraining.Classes(8), TinyTraining.Settings with { Pooling = Pooling.Cls }).Model.Dispose();
    }

    [Theory]
    [InlineData("tiny-bert", Pooling.HuggingFace)]
    [InlineData("tiny-roberta", Pooling.Cls)]
    [InlineData("tiny-distilbert", Pooling.HuggingFace)]
    [InlineData("tiny-electra", Pooling.HuggingFace)]
    public void Every_family_and_pooling_trains_in_half_precision_too(string family, Pooling pooling)
    {
        using var half = PretrainedModel.Load(Fixtures.Model(family), Precision.BFloat16);
        var (model, history) = _training.Run(half, TinyTraining.Classes(24), TinyTraining.Settings with { Pooling = pooling, MaxEpochs = 4, ValidationFraction = 0 }, "prefix tuning");
        using var owned = model;
        Assert.True(history.Epochs[^1].TrainingLoss < history.Epochs[0].TrainingLoss);
    }

    public void Dispose() => _backbone.Dispose();

    private static LabeledTexts Flip(LabeledTexts rows, Func<int, bool> which) =>
        rows with { Labels = [.. rows.Labels.Select((label, row) => which(row) ? 1 - label : label)] };
}
