using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>A batch that memory does not suffice for is computed in parts, and its step stays the same.</summary>
public sealed class SplitToFitTests : IDisposable
{
    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
    private readonly TemporaryDirectory _directory = new();
    private readonly TinyTraining _training = new();

    /// <summary>Dropout draws from them as long as the tasks live.</summary>
    private readonly List<Initializer> _initializers = [];

    public static TheoryData<string> Methods => TinyMethods.Names;

    private static TrainingSettings Settings { get; } = TinyTraining.Settings with { MaxEpochs = 3, ValidationFraction = 0, SplitsToFit = true };

    [Theory]
    [MemberData(nameof(Methods))]
    public void It_gives_the_bits_of_a_training_in_such_parts_from_the_start(string method)
    {
        using var crowded = Task(method, mostTokens: 20);
        float[][] found = Train(crowded, Settings);
        Assert.InRange(crowded.Failures, 1, 4);
        Assert.Equal(crowded.Failures, _training.Lines.Count(line => line.StartsWith("Memory did not suffice", StringComparison.Ordinal)));

        using var roomy = Task(method, mostTokens: int.MaxValue);
        Assert.Equal(Train(roomy, Settings with { MicroBatchTokens = FoundSize() }), found);
        Assert.Equal(0, roomy.Failures);
    }

    [Fact]
    public void It_gives_the_losses_of_whole_batches()
    {
        using TrainingTask crowded = Task("prefix tuning", 20), roomy = Task("prefix tuning", int.MaxValue);
        using TrainingSession split = Session(crowded, Settings), whole = Session(roomy, Settings);
        split.RunEpochs();
        whole.RunEpochs();
        foreach (var (expected, actual) in whole.Epochs.Zip(split.Epochs))
            Assert.Equal(expected.TrainingLoss, actual.TrainingLoss, 1e-5);
    }

    [Fact]
    public void A_resumed_training_knows_the_size_that_was_found()
    {
        var identity = new TrainingIdentity(new Dictionary<string, string>());
        using var crowded = Task("prompt tuning", 20);
        float[][] expected = Train(crowded, Settings, session =>
        {
            if (session.Epochs.Count == 1)
                session.Save(_directory.Path, identity);
        });
        using var roomy = Task("prompt tuning", int.MaxValue);
        using var resumed = Session(roomy, Settings);
        resumed.Resume(_directory.Path, identity);
        resumed.RunEpochs();
        Assert.Equal(expected, Values(roomy));
    }

    [Fact]
    public void Where_the_batch_size_was_asked_for_it_is_an_error()
    {
        using var crowded = Task("prompt tuning", 20);
        using var session = Session(crowded, Settings with { SplitsToFit = false });
        Assert.Throws<ExternalException>(() => session.RunEpochs());
        Assert.Equal(1, crowded.Failures);
        Assert.False(new PromptTuningOptions { BatchSize = 8 }.ToTrainingSettings(1, null).SplitsToFit);
        Assert.True(new PromptTuningOptions().ToTrainingSettings(1, null).SplitsToFit);
    }

    [Fact]
    public void A_single_text_that_does_not_fit_is_an_error_that_says_what_helps()
    {
        using var crowded = Task("prompt tuning", 1);
        using var session = Session(crowded, Settings);
        var error = Assert.Throws<InvalidOperationException>(() => session.RunEpochs());
        Assert.Contains("GradientCheckpointing", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Layers_that_are_computed_again_teach_the_same(string method)
    {
        using TrainingTask kept = Task(method, int.MaxValue), again = Task(method, int.MaxValue);
        using TrainingSession first = Session(kept, Settings), second = Session(again, Settings with { GradientCheckpointing = true });
        first.RunEpochs();
        second.RunEpochs();
        foreach (var (expected, actual) in first.Epochs.Zip(second.Epochs))
            Assert.Equal(expected.TrainingLoss, actual.TrainingLoss, 1e-5);
        Assert.True(new PromptTuningOptions { GradientCheckpointing = true }.ToTrainingSettings(1, null).GradientCheckpointing);
    }

    public void Dispose()
    {
        _backbone.Dispose();
        _directory.Dispose();
        _initializers.ForEach(initializer => initializer.Dispose());
    }

    private CrowdedTask Task(string method, int mostTokens)
    {
        var settings = Settings;
        var (rows, _) = SoftPromptTrainer.Tokenize(
            _backbone, TinyMethods.Of(method), PredictionTask.Multiclass, TinyTraining.Classes(40), null, settings, _training.Observer, new Random(1));
        var initializer = new Initializer(1, CPU);
        _initializers.Add(initializer);
        var trainee = SoftPromptTrainer.CreateTrainee(_backbone, TinyMethods.Of(method), Pooling.Mean, 2, rows, settings, initializer);
        return new CrowdedTask(new HeadTask(trainee, PredictionTask.Multiclass, rows, null, 0.01, settings), mostTokens);
    }

    private TrainingSession Session(TrainingTask task, TrainingSettings settings) => new(task, settings, _training.Observer, new Random(1));

    private float[][] Train(TrainingTask task, TrainingSettings settings, Action<TrainingSession>? afterEpoch = null)
    {
        using var session = Session(task, settings);
        while (!session.Ended)
        {
            session.RunEpoch();
            afterEpoch?.Invoke(session);
        }
        return Values(task);
    }

    private static float[][] Values(TrainingTask task) => [.. task.Parameters.Select(parameter => parameter.data<float>().ToArray())];

    private int FoundSize() => int.Parse(
        Regex.Match(_training.Lines.Last(line => line.StartsWith("Memory did not suffice", StringComparison.Ordinal)), @"at most (\d+) tokens").Groups[1].Value, CultureInfo.InvariantCulture);
}
