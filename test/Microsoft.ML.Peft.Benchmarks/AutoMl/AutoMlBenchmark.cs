using Microsoft.ML.Peft.AutoML;
using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Benchmarks.AutoMl;

/// <summary>What a search finds for what it spends, and whether its winner beats what needs no search.</summary>
internal static class AutoMlBenchmark
{
    public const string Name = "automl";

    public static string[] Tuners { get; } = ["asha", "random", "bohb", "tpe"];

    /// <param name="Model">The frozen model; null for the embedded one.</param>
    /// <param name="Methods">The methods to search.</param>
    /// <param name="Options">Options of all of them.</param>
    /// <param name="Precision">The number format of the frozen weights.</param>
    /// <param name="Trials">The most trials.</param>
    /// <param name="Epochs">The epochs of a full training; null for the search's own choice.</param>
    /// <param name="ReductionFactor">Of so many trials at a rung asha and bohb let one go on.</param>
    /// <param name="Refit">Whether the winner is trained anew on training and validation rows.</param>
    /// <param name="Defaults">Whether each method is trained with its defaults, too.</param>
    public sealed record Settings(string? Model, IReadOnlyList<string> Methods, IReadOnlyList<string> Options, Precision Precision, int Trials, int? Epochs, int ReductionFactor, bool Refit,
        bool Defaults);

    public sealed record Result(
        string Benchmark, string Tuner, int Concurrency, int Threads, int Seed, int TrainRows, int? ValidationRows, int Trials, int Failed, int Epochs, int Steps,
        double Validation, double? ProbeValidation, string Winner, int WinnerEpochs, IReadOnlyDictionary<string, object?> WinnerOptions, double Accuracy, double LogLoss,
        IReadOnlyDictionary<string, double>? DefaultAccuracies, double SearchSeconds, double TrialsPerMinute, double PeakMemoryMegabytes, double? MemoryGrowthMegabytes,
        IReadOnlyList<SearchProgress.Point> Best);

    public static Result Run(Settings settings, ClassRows rows, IReadOnlyList<DataFile.Row> test, string tuner, int concurrency, int seed, bool verbose)
    {
        var context = QualityBenchmark.Context(seed, verbose);
        var toKey = context.Transforms.Conversion.MapValueToKey("Label").Fit(context.Data.LoadFromEnumerable(rows.All));
        IDataView View(IEnumerable<DataFile.Row> some) => toKey.Transform(context.Data.LoadFromEnumerable(some));

        var progress = new SearchProgress(StepsPerEpoch(rows, Options(settings, settings.Methods[0]).BatchSize ?? TrainingSettings.HeadBatchSize));
        var experiment = context.Peft().CreateExperiment()
            .SetDataset(View(rows.Train), rows.Validation is { } validation ? View(validation) : null)
            .SetMaxModelToExplore(settings.Trials).SetMaxConcurrentTrials(concurrency).SetSeed(seed).SetMonitor(progress).SetRefit(settings.Refit);
        foreach (string method in settings.Methods)
            experiment.AddMethod(Sweep(method, Options(settings, method)));
        if (settings.Epochs is { } epochs)
            experiment.SetMaxEpochs(epochs);
        var memory = new ProcessMemory();
        var best = Choose(experiment, tuner, settings.ReductionFactor).Run();
        var (growth, peak) = (memory.Growth, memory.Peak);

        var found = experiment.Result!;
        var trials = found.Trials.Where(trial => !trial.IsBaseline).ToList();
        double seconds = (progress.End - progress.Start!.Value).TotalSeconds;
        var metrics = context.MulticlassClassification.Evaluate(best.LoadModel(context).Transform(View(test)));
        return new Result(
            Name, tuner, concurrency, TorchSharp.torch.get_num_threads(), seed, rows.Train.Count, rows.Validation?.Count, trials.Count, trials.Count(trial => trial.Failure is not null),
            progress.Epochs, progress.Steps, best.Metric, found.Baseline?.Metric, best.Method, best.Epochs, best.Parameters, metrics.MicroAccuracy, metrics.LogLoss,
            settings.Defaults ? settings.Methods.ToDictionary(method => method, method => DefaultAccuracy(context, Options(settings, method), rows.All, test, seed)) : null,
            seconds, trials.Count * 60 / seconds, peak, growth, progress.Best);
    }

    private static PeftExperiment Choose(PeftExperiment experiment, string tuner, int reductionFactor) => tuner switch
    {
        "asha" => experiment.SetAshaTuner(reductionFactor),
        "random" => experiment.SetRandomSearchTuner(),
        "bohb" => experiment.SetBohbTuner(reductionFactor),
        "tpe" => experiment.SetTpeTuner(),
        _ => throw new ArgumentException($"There is no tuner '{tuner}'; choose one of {string.Join(", ", Tuners)}."),
    };

    private static SoftPromptOptions Options(Settings settings, string method)
    {
        var options = MethodOptions.Create(method, settings.Options);
        (options.Model, options.Precision) = (settings.Model, settings.Precision);
        return options;
    }

    private static PeftSweep Sweep(string method, SoftPromptOptions options) => options switch
    {
        PromptTuningOptions prompt => PeftSweep.PromptTuning(prompt),
        PrefixTuningOptions { Projection: true } projected => PeftSweep.ProjectedPrefixTuning(projected),
        PrefixTuningOptions prefix => PeftSweep.PrefixTuning(prefix),
        PTuningOptions { Encoder: PromptEncoder.Lstm } lstm => PeftSweep.PTuningLstm(lstm),
        PTuningOptions mlp => PeftSweep.PTuningMlp(mlp),
        _ => throw new ArgumentException($"The method '{method}' cannot be searched."),
    };

    /// <summary>The batches of an epoch; what the search holds out itself is not trained on.</summary>
    private static int StepsPerEpoch(ClassRows rows, int batchSize)
    {
        string[] classes = [.. rows.Train.Select(row => row.Label).Distinct()];
        int trained = rows.Validation is not null
            ? rows.Train.Count : RowSplits.Split(DataFile.Labeled(rows.Train, classes).Labels, byClass: true, folds: 1, seed: 0)[0].Train.Length;
        return (trained + batchSize - 1) / batchSize;
    }

    /// <summary>The test accuracy of a pipeline that was fitted to the same rows, without search.</summary>
    private static double DefaultAccuracy(MLContext context, SoftPromptOptions options, IReadOnlyList<DataFile.Row> rows, IReadOnlyList<DataFile.Row> test, int seed)
    {
        options.Seed = seed;
        var pipeline = context.Transforms.Conversion.MapValueToKey("Label").Append(MethodOptions.Estimator(context, options));
        var fitted = pipeline.Fit(context.Data.LoadFromEnumerable(rows));
        using var transformer = fitted.LastTransformer;
        return context.MulticlassClassification.Evaluate(fitted.Transform(context.Data.LoadFromEnumerable(test))).MicroAccuracy;
    }
}
