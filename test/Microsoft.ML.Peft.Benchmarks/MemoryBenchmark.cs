using Microsoft.ML.Peft.Benchmarks.Naive;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>
/// How much memory training steps take: one pass over the batches that train-speed takes, from short texts to long ones, either by the
/// product's own training session or by the naive way. A process's peak can only tell one of them.
/// </summary>
internal static class MemoryBenchmark
{
    public sealed record Result(
        string Benchmark, string Model, string Task, string Method, int VirtualTokens, int Batch, string Precision, int Threads, bool Naive, bool GradientCheckpointing, int Steps, double TokensPerExample,
        int LongestBatchTokens, double LoadedMemoryMegabytes, double PeakMemoryMegabytes, double? MemoryGrowthMegabytes);

    public static Result Run(SoftPromptOptions options, FileInfo train, string task, string method, bool naive, int batches = TrainingWork.UsualBatches)
    {
        options = options.CheckedCopy();
        if (naive)
        {
            if (options.GradientCheckpointing)
                throw new ArgumentException("The naive way keeps what layers compute; give --naive or --gradient-checkpointing.");
            options.Precision = Precision.Float32;
        }
        using var backbone = PretrainedModel.Load(options.Model, options.Precision);
        var work = TrainingWork.Create(task, backbone, options, DataFile.Read(train), batches);
        var memory = naive ? StepNaively(work, options.Model) : Step(work, backbone);
        return new Result(
            "memory", MethodOptions.ModelName(backbone), task, method, work.Method.VirtualTokens, work.Settings.BatchSize, backbone.Precision.ToString(), get_num_threads(), naive, options.GradientCheckpointing, work.BatchesPerEpoch,
            work.Lengths.Average(), work.Lengths.Order().Chunk(work.Settings.BatchSize).Max(rows => rows.Sum()), memory.Start, memory.Peak, memory.Growth);
    }

    private static ProcessMemory Step(TrainingWork work, PretrainedModel backbone)
    {
        using var learner = work.Start(backbone);
        var settings = work.Settings with { MaxEpochs = 1 };
        using var session = new TrainingSession(learner.Task, settings, new TrainingObserver(_ => { }, _ => { }, () => { }), new Random(settings.Seed));
        var memory = new ProcessMemory();
        session.RunEpochs();
        return memory;
    }

    private static ProcessMemory StepNaively(TrainingWork work, string? model)
    {
        using var training = new NaiveTraining(work, PretrainedModel.Load(model, Precision.Float32));
        var memory = new ProcessMemory();
        training.RunEpoch();
        return memory;
    }
}
