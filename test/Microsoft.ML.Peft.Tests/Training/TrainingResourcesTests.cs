using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>What training does to the process around it: nothing that stays.</summary>
[Collection(Alone.Name)]
public sealed class TrainingResourcesTests : IDisposable
{
    private const long Megabyte = 1 << 20;

    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);

    public static TheoryData<string> Methods => TinyMethods.Names;

    [Theory]
    [MemberData(nameof(Methods))]
    public void Training_leaves_the_global_random_state_alone(string method)
    {
        using Tensor before = get_rng_state();
        new TinyTraining().Run(_backbone, TinyTraining.Classes(16), method: method).Model.Dispose();
        using Tensor after = get_rng_state();
        Assert.Equal(before.bytes.ToArray(), after.bytes.ToArray());

        // The state is one that other draws do change.
        rand(1).Dispose();
        using Tensor drawn = get_rng_state();
        Assert.NotEqual(after.bytes.ToArray(), drawn.bytes.ToArray());
    }

    [Fact]
    public void Random_initialisation_leaves_the_global_random_state_alone()
    {
        using Tensor before = get_rng_state();
        MethodSettings[] all =
        [
            new PromptTuningSettings(4) { Initialization = PromptInitialization.RandomUniform },
            new PromptTuningSettings(4) { Initialization = PromptInitialization.SampledVocabulary },
            new PrefixTuningSettings(4) { Initialization = PrefixInitialization.Normal },
            new PrefixTuningSettings(4) { Initialization = PrefixInitialization.Normal, Projection = true },
        ];
        foreach (var settings in all)
        {
            using var initializer = new Initializer(1, CPU);
            SoftPromptFactory.Create(settings, TinyMethods.Source(_backbone), initializer).Dispose();
        }
        using Tensor after = get_rng_state();
        Assert.Equal(before.bytes.ToArray(), after.bytes.ToArray());
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_training_whose_model_is_disposed_leaves_no_tensor(string method)
    {
        long before = LiveTensors();
        new TinyTraining().Run(_backbone, TinyTraining.Classes(24), method: method).Model.Dispose();
        Assert.Equal(before, LiveTensors());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public void A_cancelled_training_leaves_no_tensor(int steps)
    {
        long before = LiveTensors();
        int models = FrozenModel.Count;
        var training = new TinyTraining { CancelAfter = steps };
        Assert.Throws<OperationCanceledException>(() => training.Run(_backbone, TinyTraining.Classes(24)));
        Assert.Equal(steps, training.Steps.Count);
        Assert.Equal(before, LiveTensors());
        Assert.Equal(models, FrozenModel.Count);
    }

    [Fact]
    public void A_tensor_that_is_left_would_be_counted()
    {
        long before = LiveTensors();
        using (Tensor left = ones(3), values = ones(2))
        using (var parameter = new TorchSharp.Modules.Parameter(values))
        using (NewDisposeScope())
        {
            ones(4);
            Assert.Equal(before + 3, LiveTensors());    // the parameter took the handle of its values
        }
        Assert.Equal(before, LiveTensors());
    }

    [Fact]
    public void Two_hundred_epochs_do_not_grow_the_process()
    {
        var rows = TinyTraining.Classes(100);
        long start = 0, tensors = 0;
        void Epoch(int number)
        {
            if (number == 20)
                (start, tensors) = (WorkingSet(), LiveTensors());
        }
        var training = new EpochWatch(Epoch);
        training.Run(_backbone, rows, epochs: 200);
        long growth = WorkingSet() - start;
        Assert.True(growth < 32 * Megabyte, $"The process grew by {growth / Megabyte} MB.");
        Assert.True(LiveTensors() <= tensors, $"{tensors} tensors became {LiveTensors()}.");
    }

    public void Dispose() => _backbone.Dispose();

    /// <summary>Those that this thread has made and not disposed. (Tensor.TotalCount never forgets a Parameter.)</summary>
    private static long LiveTensors() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    private static long WorkingSet()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    /// <summary>Calls back at the end of every epoch.</summary>
    private sealed class EpochWatch(Action<int> epochEnded)
    {
        private int _epoch;

        public void Run(PretrainedModel backbone, Training.LabeledTexts rows, int epochs)
        {
            var settings = TinyTraining.Settings with { MaxEpochs = epochs, BatchSize = 100, Patience = epochs };
            var observer = new Training.TrainingObserver(_ => { }, Log, () => { });
            Training.SoftPromptTrainer.Train(backbone, TinyMethods.Of("prompt tuning"), PredictionTask.Multiclass, 2, rows, null, settings, observer).Model.Dispose();
            Assert.Equal(epochs, _epoch);
        }

        private void Log(string line)
        {
            if (line.StartsWith("Epoch ", StringComparison.Ordinal))
                epochEnded(++_epoch);
        }
    }
}
