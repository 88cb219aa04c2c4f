using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Tests;

public sealed class TrainingSessionTests : IDisposable
{
    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
    private readonly TemporaryDirectory _directory = new();
    private readonly TinyTraining _training = new();

    public static TheoryData<string> Methods => TinyMethods.Names;

    private static TrainingSettings FourEpochs { get; } = TinyTraining.Settings with { MaxEpochs = 4, WeightDecay = 0.01 };

    private string Checkpoint => _directory.File("checkpoint");

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_training_that_is_paused_and_resumed_gives_the_bits_of_one_that_is_not(string method)
    {
        var rows = TinyTraining.Classes(50);
        var (whole, history) = _training.Run(_backbone, rows, FourEpochs, method);
        using var owned = whole;

        Pause(() => _training.Begin(_backbone, rows, FourEpochs, method), epochs: 0);
        Resume(() => _training.Begin(_backbone, rows, FourEpochs, method), until: 1);
        Resume(() => _training.Begin(_backbone, rows, FourEpochs, method), until: 3);
        var (model, resumed) = End(() => _training.Begin(_backbone, rows, FourEpochs, method));
        using var other = model;

        AssertSameFiles(whole, model);
        AssertSameHistory(history, resumed);
    }

    [Theory]
    [InlineData(0)]      // without validation rows
    [InlineData(0.3)]
    public void So_does_one_that_learns_values(double validationFraction)
    {
        var rows = TinyTraining.Values(40);
        var settings = FourEpochs with { ValidationFraction = validationFraction, Schedule = LearningRateSchedule.Cosine };
        SoftPromptTrainer Begin() => _training.Begin(_backbone, rows, settings, "prefix tuning", task: PredictionTask.Regression);
        var (whole, history) = _training.Run(_backbone, rows, settings, "prefix tuning", task: PredictionTask.Regression);
        using var owned = whole;
        Pause(Begin, epochs: 2);
        var (model, resumed) = End(Begin);
        using var other = model;
        AssertSameFiles(whole, model);
        AssertSameHistory(history, resumed);
    }

    [Fact]
    public void Patience_counts_on_over_a_pause()
    {
        var rows = TinyTraining.Classes(48);
        // What is taught is wrong for the validation rows: the start stays the best.
        var wrong = TinyTraining.Classes(40, seed: 2);
        wrong = wrong with { Labels = [.. wrong.Labels.Select(label => 1 - label)] };
        var settings = FourEpochs with { MaxEpochs = 30, BatchSize = 2, Patience = 4 };
        SoftPromptTrainer Begin() => _training.Begin(_backbone, rows, settings, validation: wrong);
        var (whole, history) = _training.Run(_backbone, rows, settings, validation: wrong);
        using var owned = whole;
        Assert.InRange(history.Epochs.Count, 4, 29);
        Pause(Begin, epochs: history.Epochs.Count - 1);
        var (model, resumed) = End(Begin);
        using var other = model;
        AssertSameFiles(whole, model);
        AssertSameHistory(history, resumed);
    }

    [Fact]
    public void A_checkpoint_after_the_last_epoch_only_needs_to_be_finished()
    {
        var rows = TinyTraining.Classes(50);
        SoftPromptTrainer Begin() => _training.Begin(_backbone, rows, FourEpochs);
        var (whole, _) = _training.Run(_backbone, rows, FourEpochs);
        using var owned = whole;
        Pause(Begin, epochs: 4);
        using var trainer = Begin();
        trainer.Resume(Checkpoint);
        Assert.True(trainer.Session.Ended);
        using var model = trainer.Finish().Model;
        AssertSameFiles(whole, model);
    }

    [Fact]
    public void The_schedule_spans_all_epochs_however_many_are_run_at_a_time()
    {
        using var trainer = _training.Begin(_backbone, TinyTraining.Classes(50), FourEpochs with { WarmUpFraction = 0, LearningRate = 0.04 });
        trainer.Session.RunEpochs(until: 1);
        Assert.Single(trainer.Session.Epochs);
        Assert.Equal(0.03, trainer.Session.Epochs[0].LearningRate, 10);
        trainer.Session.RunEpochs(until: 1);
        Assert.Single(trainer.Session.Epochs);
        Assert.False(trainer.Session.Ended);
        trainer.Session.RunEpochs();
        Assert.Equal([0.03, 0.02, 0.01, 0], trainer.Session.Epochs.Select(epoch => Math.Round(epoch.LearningRate, 10)));
        Assert.True(trainer.Session.Ended);
        Assert.Throws<InvalidOperationException>(trainer.Session.RunEpoch);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_batch_that_is_computed_in_parts_gives_the_same_step(string method)
    {
        // One soft prompt for all parts, also where it is drawn (dropout).
        var rows = TinyTraining.Classes(50);
        var (whole, history) = _training.Run(_backbone, rows, FourEpochs, method);
        using var owned = whole;
        foreach (int tokens in (int[])[1, 20])
        {
            var (parts, other) = _training.Run(_backbone, rows, FourEpochs with { MicroBatchTokens = tokens }, method);
            using var model = parts;
            Assert.Equal(history.Epochs.Count, other.Epochs.Count);
            foreach (var (expected, actual) in history.Epochs.Zip(other.Epochs))
                Assert.Equal(expected.TrainingLoss, actual.TrainingLoss, 1e-5);
        }
    }

    [Fact]
    public void So_do_the_parts_of_a_batch_of_texts_to_write()
    {
        // Rows weigh as much as they have tokens to write.
        using var backbone = PretrainedModel.Load(Stories.TinyModel, Precision.Float32);
        var targets = Stories.Targets(16);
        targets = targets with { Targets = [.. targets.Targets.Select((text, row) => row % 3 == 0 ? "the" : text)] };
        double[] Losses(int tokens)
        {
            var settings = FourEpochs with { MicroBatchTokens = tokens, ValidationFraction = 0, Generation = new GenerationOptions { MaxNewTokens = 8 } };
            var (model, history) = GenerationTrainer.Train(backbone, TinyMethods.Of("prefix tuning"), targets, null, settings, _training.Observer);
            model.Dispose();
            return [.. history.Epochs.Select(epoch => epoch.TrainingLoss)];
        }
        double[] whole = Losses(8192), parts = Losses(1);
        Assert.NotEqual(whole, parts);
        foreach (var (expected, actual) in whole.Zip(parts))
            Assert.Equal(expected, actual, 1e-4);
    }

    [Fact]
    public void A_session_that_ends_early_gives_the_best_epoch_so_far()
    {
        var validation = TinyTraining.Classes(40, seed: 2);
        using var trainer = _training.Begin(_backbone, TinyTraining.Classes(50), FourEpochs, validation: validation);
        trainer.Session.RunEpochs(until: 2);
        double best = trainer.Session.Best!.Metric;
        var (model, history) = trainer.Finish();
        using var owned = model;
        Assert.Equal(2, history.Epochs.Count);
        Assert.Equal(best, history.ValidationMetric);
        Assert.Equal(best, TinyTraining.Accuracy(model, validation), 6);
    }

    [Fact]
    public void A_baseline_that_is_known_is_not_computed_again()
    {
        using var trainer = _training.Begin(_backbone, TinyTraining.Classes(50), FourEpochs);
        trainer.Session.Baseline = 0.123;
        trainer.Session.RunEpoch();
        var (model, history) = trainer.Finish();
        model.Dispose();
        Assert.Equal(0.123, history.ProbeValidationMetric);
    }

    [Fact]
    public void What_was_interrupted_within_an_epoch_is_not_saved_or_run_on()
    {
        var training = new TinyTraining { CancelAfter = 8 };
        using var trainer = training.Begin(_backbone, TinyTraining.Classes(50), FourEpochs);
        trainer.Session.RunEpoch();     // 6 steps
        Assert.Throws<OperationCanceledException>(trainer.Session.RunEpoch);
        Assert.Throws<InvalidOperationException>(trainer.Session.RunEpoch);
        Assert.Throws<InvalidOperationException>(() => trainer.Save(Checkpoint));
        Assert.False(TrainingCheckpoint.ExistsIn(Checkpoint));
    }

    [Fact]
    public void A_session_that_has_started_or_finished_is_not_resumed_or_saved()
    {
        SoftPromptTrainer Begin() => _training.Begin(_backbone, TinyTraining.Classes(50), FourEpochs);
        Pause(Begin, epochs: 1);
        using var trainer = Begin();
        trainer.Session.RunEpoch();
        Assert.Throws<InvalidOperationException>(() => trainer.Resume(Checkpoint));
        trainer.Finish().Model.Dispose();
        Assert.Throws<InvalidOperationException>(() => trainer.Save(Checkpoint));
    }

    [Fact]
    public void A_checkpoint_of_other_options_is_refused_by_name()
    {
        var rows = TinyTraining.Classes(50);
        Pause(() => _training.Begin(_backbone, rows, FourEpochs), epochs: 1);
        (string Difference, TrainingSettings Settings)[] others =
        [
            ("BatchSize is 8 there and 4 here", FourEpochs with { BatchSize = 4 }),
            ("Seed is 1 there and 2 here", FourEpochs with { Seed = 2 }),
            ("MaxEpochs is 4 there and 6 here", FourEpochs with { MaxEpochs = 6 }),
            ("Schedule is \"Linear\" there and \"Cosine\" here", FourEpochs with { Schedule = LearningRateSchedule.Cosine }),
            ("LearningRate is null there and 0.1 here", FourEpochs with { LearningRate = 0.1 }),
        ];
        foreach (var (difference, settings) in others)
            Assert.Contains(difference, Refusal(() => _training.Begin(_backbone, rows, settings)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_of_other_rows_another_method_or_another_model_is_refused_by_name()
    {
        Pause(() => _training.Begin(_backbone, TinyTraining.Classes(50), FourEpochs), epochs: 1);
        string rows = Refusal(() => _training.Begin(_backbone, TinyTraining.Classes(60), FourEpochs));
        Assert.Contains("Training set is 46 rows, ", rows, StringComparison.Ordinal);
        Assert.Contains("54 rows, ", rows, StringComparison.Ordinal);
        Assert.Contains("Validation set is 4 rows, ", rows, StringComparison.Ordinal);
        string labels = Refusal(() => _training.Begin(_backbone, TinyTraining.Classes(50) with { Labels = [.. TinyTraining.Classes(50).Labels.Select(label => 1 - label)] }, FourEpochs));
        Assert.Contains("Training set is 46 rows, ", labels, StringComparison.Ordinal);
        Assert.Contains("Method is PromptTuning there and PrefixTuning here", Refusal(() => _training.Begin(_backbone, TinyTraining.Classes(50), FourEpochs, "prefix tuning")), StringComparison.Ordinal);
        using var other = PretrainedModel.Load(Fixtures.Model("tiny-roberta"), Precision.Float32);
        Assert.Contains("Model is ", Refusal(() => _training.Begin(other, TinyTraining.Classes(50), FourEpochs)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_checkpoint_is_explained()
    {
        var rows = TinyTraining.Classes(50);
        SoftPromptTrainer Begin() => _training.Begin(_backbone, rows, FourEpochs);
        Pause(Begin, epochs: 1);
        string path = Path.Combine(Checkpoint, TrainingCheckpoint.FileName);
        byte[] bytes = File.ReadAllBytes(path);
        int at = bytes.AsSpan().IndexOf("Steps"u8);
        bytes[at] = (byte)'Z';
        File.WriteAllBytes(path, bytes);
        using var trainer = Begin();
        var error = Assert.Throws<InvalidDataException>(() => trainer.Resume(Checkpoint));
        Assert.Contains($"The checkpoint '{path}' is damaged: ", error.Message, StringComparison.Ordinal);
        File.WriteAllBytes(path, bytes[..^4]);
        Assert.Throws<InvalidDataException>(() => trainer.Resume(Checkpoint));
        File.Delete(path);
        Assert.Throws<FileNotFoundException>(() => trainer.Resume(Checkpoint));
    }

    public void Dispose()
    {
        _directory.Dispose();
        _backbone.Dispose();
    }

    private void Pause(Func<SoftPromptTrainer> begin, int epochs)
    {
        using var trainer = begin();
        trainer.Session.RunEpochs(until: epochs);
        trainer.Save(Checkpoint);
    }

    private void Resume(Func<SoftPromptTrainer> begin, int until)
    {
        using var trainer = begin();
        trainer.Resume(Checkpoint);
        trainer.Session.RunEpochs(until);
        trainer.Save(Checkpoint);
    }

    private (PeftModel Model, TrainingHistory History) End(Func<SoftPromptTrainer> begin)
    {
        using var trainer = begin();
        trainer.Resume(Checkpoint);
        trainer.Session.RunEpochs();
        return trainer.Finish();
    }

    private string Refusal(Func<SoftPromptTrainer> begin)
    {
        using var trainer = begin();
        return Assert.Throws<ArgumentException>(() => trainer.Resume(Checkpoint)).Message;
    }

    private static void AssertSameFiles(PeftModel expected, PeftModel actual)
    {
        var files = actual.ToFiles();
        foreach (var (name, content) in expected.ToFiles())
            Assert.Equal(content, files[name]);
    }

    /// <summary>The same but for what a clock measures.</summary>
    private static void AssertSameHistory(TrainingHistory expected, TrainingHistory actual)
    {
        static TrainingEpoch Timeless(TrainingEpoch epoch) => epoch with { Seconds = 0, ExamplesPerSecond = 0, TokensPerSecond = 0 };
        Assert.Equal(expected.Epochs.Select(Timeless), actual.Epochs.Select(Timeless));
        Assert.Equal(expected with { Epochs = [] }, actual with { Epochs = [] });
    }
}
