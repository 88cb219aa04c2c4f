using System.Diagnostics;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>
/// How fast a method trains: the product's own training session over batches of the training file. Each round is one epoch over the
/// same few batches, followed by a matrix product that shows what the machine gives at that moment.
/// </summary>
internal sealed class TrainSpeedBenchmark
{
    private const int BatchesPerRound = 8;

    private readonly Trainee _trainee;
    private readonly TokenizedRows _rows;
    private readonly TrainingSettings _settings;
    private readonly double _learningRate;
    private readonly Gemm _gemm;
    private readonly List<(double Seconds, double Gemm)> _rounds = [];
    private readonly Stopwatch _clock = new();

    private TrainSpeedBenchmark(Trainee trainee, TokenizedRows rows, TrainingSettings settings, double learningRate, Gemm gemm)
    {
        _trainee = trainee;
        _rows = rows;
        _settings = settings;
        _learningRate = learningRate;
        _gemm = gemm;
    }

    public sealed record Result(
        string Benchmark, string Method, int VirtualTokens, int Batch, string Precision, int Threads, int Rounds, double ExamplesPerSecond, double TokensPerSecond,
        double TokensPerExample, double TokenizeSeconds, double PeakMemoryMegabytes, double? MemoryGrowthMegabytes, double GemmGigaflops, double Mfu, double Loss, long Parameters);

    public static Result Run(SoftPromptOptions options, FileInfo train, string method, int? rounds)
    {
        options = options.CheckedCopy();
        var methodSettings = options.ToMethodSettings();
        var file = DataFile.Read(train);
        string[] classes = [.. file.Select(row => row.Label).Distinct()];
        var settings = options.ToTrainingSettings(options.Seed ?? 1, classes);
        using var backbone = PretrainedModel.Load(options.Model, options.Precision);
        var encoder = backbone.Frozen.Backbone;
        int maxTokens = SoftPromptTrainer.MaxTokens(backbone, methodSettings, settings);

        long start = Stopwatch.GetTimestamp();
        var rows = TokenizedRows.Create(backbone, DataFile.Labeled(file, classes), maxTokens, () => { });
        double tokenizeSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;

        var pooling = options.Pooling == Pooling.Auto ? backbone.Frozen.Pooling : options.Pooling;
        using var initializer = new Initializer(settings.Seed, encoder.Device);
        using var trainee = SoftPromptTrainer.CreateTrainee(backbone, methodSettings, pooling, classes.Length, rows, settings, initializer);
        using var gemm = new Gemm(encoder.Type);
        var sample = rows.Select(SampleRows(rows, settings));
        var benchmark = new TrainSpeedBenchmark(trainee, sample, settings, SoftPromptTrainer.LearningRate(methodSettings, settings), gemm);

        var memory = new ProcessMemory();
        benchmark.Train(1);
        int count = Rounds.Count(rounds, benchmark._rounds[0].Seconds);
        benchmark._rounds.Clear();
        var history = benchmark.Train(count);

        double seconds = Median.Of(benchmark._rounds.Select(round => round.Seconds));
        int tokens = sample.Texts.Sum(text => text.Ids.Count);
        var operations = new Operations(encoder.Configuration, methodSettings is PrefixTuningSettings, options.VirtualTokens, pooling == Pooling.Mean, Training: true);
        double needed = sample.Texts.Sum(text => operations.Row(text.Ids.Count));
        return new Result(
            "train-speed", method, options.VirtualTokens, settings.BatchSize, backbone.Precision.ToString(), get_num_threads(), count,
            sample.Count / seconds, tokens / seconds, tokens / (double)sample.Count, tokenizeSeconds, memory.Peak, memory.Growth,
            Median.Of(benchmark._rounds.Select(round => round.Gemm)) / 1e9, Median.Of(benchmark._rounds.Select(round => needed / round.Seconds / round.Gemm)),
            history.Epochs[^1].TrainingLoss, trainee.Parameters.Sum(parameter => parameter.numel()));
    }

    /// <summary>
    /// The rows of a few of an epoch's batches, from short texts to long ones: sorted and cut by the session, they give batches
    /// of the same lengths again.
    /// </summary>
    private static int[] SampleRows(TokenizedRows rows, TrainingSettings settings)
    {
        int[] lengths = [.. rows.Texts.Select(text => text.Ids.Count)];
        var batches = new BatchSampler(lengths, settings.BatchSize, new Random(settings.Seed)).NextEpoch();
        int largest = batches.Max(batch => batch.Length);
        var whole = batches.Where(batch => batch.Length == largest).OrderBy(batch => batch.Sum(row => lengths[row])).ToArray();
        return [.. Sample.Of(whole, BatchesPerRound).SelectMany(batch => batch)];
    }

    private TrainingHistory Train(int epochs)
    {
        var settings = _settings with { MaxEpochs = epochs };
        // The clock runs from the check before each step to the report after it: not while the matrix product is measured.
        var observer = new TrainingObserver(StepDone, _ => { }, _clock.Start);
        // The next round goes on with the same trainee, so the task that would free it is not disposed.
        var task = new HeadTask(_trainee, PredictionTask.Multiclass, _rows, null, _learningRate, settings);
        using var session = new TrainingSession(task, settings, observer, new Random(settings.Seed));
        session.RunEpochs();
        return session.Finish();
    }

    private void StepDone(TrainingProgress progress)
    {
        _clock.Stop();
        int stepsPerEpoch = progress.Steps / progress.Epochs;
        if (progress.Step % stepsPerEpoch != 0)
            return;
        _rounds.Add((_clock.Elapsed.TotalSeconds, _gemm.Measure()));
        _clock.Reset();
    }
}
