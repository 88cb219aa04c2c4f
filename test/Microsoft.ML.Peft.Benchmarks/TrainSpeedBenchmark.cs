using System.Diagnostics;
using Microsoft.ML.Peft.Benchmarks.Naive;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>
/// How fast a method trains: the product's own training session over batches of the training file. Each round is one epoch over the
/// same few batches, followed by a matrix product that shows what the machine gives at that moment and, if asked for, by the naive
/// way over the same rows.
/// </summary>
internal sealed class TrainSpeedBenchmark
{
    private readonly TrainingWork _work;
    private readonly Learner _learner;
    private readonly NaiveTraining? _naive;
    private readonly Gemm _gemm;
    private readonly List<Seconds> _rounds = [];
    private readonly Stopwatch _clock = new();

    private TrainSpeedBenchmark(TrainingWork work, Learner learner, NaiveTraining? naive, Gemm gemm)
    {
        (_work, _learner, _naive, _gemm) = (work, learner, naive, gemm);
    }

    public sealed record Result(
        string Benchmark, string Model, string Task, string Method, int VirtualTokens, int Batch, string Precision, int Threads, int Rounds, double ExamplesPerSecond, double TokensPerSecond,
        double TokensPerExample, double TokenizeSeconds, double PeakMemoryMegabytes, double? MemoryGrowthMegabytes, double GemmGigaflops, double? Mfu, double Loss, long Parameters)
    {
        public double? NaiveExamplesPerSecond { get; init; }
        public double? NaiveTokensPerExample { get; init; }
        public double? NaiveRatio { get; init; }
        public double? NaiveLossDifference { get; init; }
        public double? NaiveGradientDifference { get; init; }
    }

    public static Result Run(SoftPromptOptions options, FileInfo train, string task, string method, bool naive, int? rounds, int batches = TrainingWork.UsualBatches)
    {
        options = options.CheckedCopy();
        var file = DataFile.Read(train);
        using var backbone = PretrainedModel.Load(options.Model, options.Precision);
        long start = Stopwatch.GetTimestamp();
        var work = TrainingWork.Create(task, backbone, options, file, batches);
        double tokenizeSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;

        using var learner = work.Start(backbone);
        using var gemm = new Gemm(backbone.Frozen.Backbone.Type);
        using var naiveTraining = naive ? new NaiveTraining(work, PretrainedModel.Load(options.Model, Precision.Float32)) : null;
        return new TrainSpeedBenchmark(work, learner, naiveTraining, gemm).Measure(backbone, task, method, tokenizeSeconds, rounds);
    }

    private Result Measure(PretrainedModel backbone, string task, string method, double tokenizeSeconds, int? asked)
    {
        var difference = _naive?.Compare().Checked();
        var memory = new ProcessMemory();
        // The first round warms up. The naive way would hide what memory the product takes.
        Train(1, naive: false);
        double peak = memory.Peak;
        double? growth = memory.Growth;
        int count = asked ?? Rounds.Count(null, _rounds[0].Product + NaiveRound());
        _rounds.Clear();
        var history = Train(count, naive: true);

        double seconds = Median.Of(_rounds.Select(round => round.Product));
        int examples = _work.Lengths.Count, tokens = _work.Lengths.Sum();
        double needed = _work.OperationsPerEpoch(backbone.Configuration);
        return new Result(
            "train-speed", MethodOptions.ModelName(backbone), task, method, _work.Method.VirtualTokens, _work.Settings.BatchSize, backbone.Precision.ToString(), get_num_threads(), count,
            examples / seconds, tokens / seconds, tokens / (double)examples, tokenizeSeconds, peak, growth,
            Median.Of(_rounds.Select(round => round.Gemm)) / 1e9, Operations.Count(backbone.Configuration) ? Median.Of(_rounds.Select(round => needed / round.Product / round.Gemm)) : null,
            history.Epochs[^1].TrainingLoss, _learner.Task.Parameters.Sum(parameter => parameter.numel()))
        {
            NaiveExamplesPerSecond = _naive is null ? null : examples / Median.Of(_rounds.Select(round => round.Naive)),
            NaiveTokensPerExample = _naive?.PaddedTokensPerExample,
            NaiveRatio = _naive is null ? null : Median.Of(_rounds.Select(round => round.Naive / round.Product)),
            NaiveLossDifference = difference?.Loss,
            NaiveGradientDifference = difference?.Gradient,
        };
    }

    private TrainingHistory Train(int epochs, bool naive)
    {
        var settings = _work.Settings with { MaxEpochs = epochs };
        // The clock runs from the check before each step to the report after it: not while others are measured.
        var observer = new TrainingObserver(progress => StepDone(progress, naive), _ => { }, _clock.Start);
        using var session = new TrainingSession(_learner.Task, settings, observer, new Random(settings.Seed));
        session.RunEpochs();
        return session.Finish();
    }

    private void StepDone(TrainingProgress progress, bool naive)
    {
        _clock.Stop();
        int stepsPerEpoch = progress.Steps / progress.Epochs;
        if (progress.Step % stepsPerEpoch != 0)
            return;
        double product = _clock.Elapsed.TotalSeconds;
        _rounds.Add(new Seconds(_gemm.Measure(), product, naive ? NaiveRound() : 0));
        _clock.Reset();
    }

    private double NaiveRound()
    {
        long start = Stopwatch.GetTimestamp();
        _naive?.RunEpoch();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>One round's durations, and the matrix product's operations per second.</summary>
    private readonly record struct Seconds(double Gemm, double Product, double Naive);
}
