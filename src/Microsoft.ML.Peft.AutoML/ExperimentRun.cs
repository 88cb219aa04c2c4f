using Microsoft.ML.Peft.AutoML.Monitoring;
using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Estimators;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Native;
using Microsoft.ML.Peft.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>One run of an experiment: from its settings and data to a search with real trials.</summary>
/// <param name="mlContext">The context.</param>
/// <param name="settings">The settings.</param>
internal sealed class ExperimentRun(MLContext mlContext, ExperimentSettings settings)
{
    private const int WrittenRows = 16;
    private const int WrittenRowsOfMetric = 64;
    private static readonly TimeSpan CancellationInterval = TimeSpan.FromMilliseconds(100);

    private readonly IHost _host = ((IHostEnvironment)mlContext).Register(nameof(PeftExperiment));

    /// <param name="keep">Takes what was found, however the run ends.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<PeftTrialResult> RunAsync(Action<PeftExperimentResult> keep, CancellationToken cancellationToken)
    {
        if (settings.Train is not null && settings.MaxTrials is null && settings.MaxTime is null && !settings.TunerEnds)
            throw new ArgumentException("The experiment would never end; call SetMaxModelToExplore or SetTrainingTimeInSeconds.");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var watch = new Timer(_ => StopIfCancelled(stop), null, CancellationInterval, CancellationInterval);
        using var prepared = Prepare(stop.Token);
        using var search = Search.Open(prepared.Plan, prepared.Tuner, prepared.Runner, [new TelemetryMonitor(), .. settings.Monitors], TimeProvider.System);
        try
        {
            await search.RunAsync(stop.Token).ConfigureAwait(false);
        }
        finally
        {
            keep(search.State.Result);
        }
        Log(search.State.Result);
        return search.State.Result.Best!;
    }

    /// <summary>Checks the settings, and reads the data.</summary>
    public PreparedExperiment Prepare(CancellationToken cancellationToken)
    {
        var train = settings.Train ?? throw new ArgumentException("The experiment has no data; call SetDataset.");
        var shape = PredictionShape.Of(train.Schema, settings.Columns);
        if (settings.Validation is { } validation)
            SoftPromptFit.CheckValidationSet(validation.Schema, shape);
        var metric = MetricOf(shape.Task);
        string directory = settings.Directory ?? System.IO.Directory.CreateTempSubdirectory("peft-experiment-").FullName;
        int seed = settings.Seed ?? SearchLog.SeedIn(directory) ?? _host.Rand.Next();
        var sweeps = Sweeps(shape);
        foreach (var sweep in sweeps)
            SoftPromptFit.CheckLabelWords(Complete(sweep.CreateOptions(sweep.Space.Default), 1, seed), shape);
        var task = ReadTask(train, shape, metric, seed, cancellationToken);

        var models = new SharedModels(DefaultModel(shape.Task), Devices.Choose(mlContext.GpuDeviceId, mlContext.FallbackToCpu));
        var tuner = settings.Tuner([.. sweeps.Select(sweep => sweep.Space)], seed, settings.MaxEpochs ?? task.UsualEpochs(sweeps.Select(sweep => sweep.CreateOptions(sweep.Space.Default).BatchSize)));
        SoftPromptOptions OptionsOf(Configuration configuration, int trialSeed)
            => Complete(sweeps.First(sweep => sweep.Method == configuration.Space.Method).CreateOptions(configuration), tuner.Rungs[^1], trialSeed);
        var plan = Plan(directory, sweeps, shape.Task, metric, task, seed) with { Options = OptionsOf };
        var threads = new ThreadShare(settings.MaxConcurrentTrials);
        var runner = new SoftPromptTrialRunner(
            task, metric, models, OptionsOf, model => BaselineOptions(sweeps, shape.Task, model, tuner.Rungs[^1], seed),
            (stream, model, history, options) => Save(stream, shape, model, history, options), threads);
        return new PreparedExperiment(plan, tuner, runner, models, threads);
    }

    /// <summary>Nobody tells a host that MLContext.CancelExecution was called; it has to look.</summary>
    private void StopIfCancelled(CancellationTokenSource stop)
    {
        if (HostCancellation.IsCancelled(_host))
            stop.Cancel();
    }

    private Metric MetricOf(PredictionTask task)
    {
        if (settings.Metric is not { } chosen)
        {
            return task switch
            {
                PredictionTask.Multiclass => new Metric(ClassificationMetrics.MicroAccuracy),
                PredictionTask.Binary => new Metric(ClassificationMetrics.Accuracy),
                PredictionTask.Regression => new Metric(RegressionMetrics.RSquared),
                _ => new Metric(GenerationTrialTask.Loss, LowerIsBetter: true),
            };
        }
        return chosen.Task == task ? chosen.Metric : throw new ArgumentException(
            $"The metric {chosen.Metric.Name} is for {chosen.Task}, but the label column '{settings.Columns.Label}' means {task}; set a metric for that, or change the column.");
    }

    /// <summary>The methods, without what this task has no use for.</summary>
    private IReadOnlyList<PeftSweep> Sweeps(PredictionShape shape)
    {
        var sweeps = settings.Methods.Count > 0 ? settings.Methods : PeftSweep.All;
        if (settings.Models.Count > 0)
            sweeps = [.. sweeps.Select(sweep => sweep.WithModels(settings.Models))];
        if (shape.Task == PredictionTask.Generation)
            sweeps = [.. sweeps.Select(sweep => sweep.ForGeneration())];
        return SoftPromptFit.LabelNames(shape) is not null ? sweeps
            : [.. sweeps.Select(sweep => sweep.Without(nameof(PromptTuningOptions.Initialization), PromptInitialization.LabelWords))];
    }

    private TrialTask ReadTask(IDataView train, PredictionShape shape, Metric metric, int seed, CancellationToken cancellationToken)
    {
        const string trainingSet = "training set", validationSet = "validation set";
        using var channel = _host.Start("Reading");
        var reader = new LabeledTextsReader(settings.Columns, shape.Task, channel, cancellationToken.ThrowIfCancellationRequested);
        if (shape.Task == PredictionTask.Generation)
        {
            int written = metric.Name == GenerationTrialTask.RougeLScore ? WrittenRowsOfMetric : WrittenRows;
            var rows = reader.ReadTargets(train, trainingSet);
            return settings.Validation is { } given
                ? new GenerationTrialTask([(rows, reader.ReadTargets(given, validationSet))], written)
                : new GenerationTrialTask([.. Split(new float[rows.Count], false, seed).Select(part => (rows.Select(part.Train), rows.Select(part.Validation)))], written);
        }
        var labelled = reader.Read(train, trainingSet);
        var folds = settings.Validation is { } view
            ? [(labelled, reader.Read(view, validationSet))]
            : Split(labelled.Labels, shape.Task != PredictionTask.Regression, seed).Select(part => (labelled.Select(part.Train), labelled.Select(part.Validation))).ToList();
        foreach (var (_, held) in folds)
        {
            if (held.Labels.All(label => label == held.Labels[0]))
                throw new ArgumentException($"All {held.Count} validation rows have the same label, {held.Labels[0]}, so that trials cannot be compared; give more rows, or another validation set.");
        }
        return new HeadTrialTask(shape, folds);
    }

    private IReadOnlyList<(int[] Train, int[] Validation)> Split(IReadOnlyList<float> labels, bool byClass, int seed)
    {
        var parts = RowSplits.Split(labels, byClass, settings.Folds, seed);
        return parts.Any(part => part.Validation.Length == 0 || part.Train.Length == 0)
            ? throw new ArgumentException($"{labels.Count} rows are too few to hold some out for validation; give a validation set, or more rows.")
            : parts;
    }

    private SearchPlan Plan(string directory, IReadOnlyList<PeftSweep> sweeps, PredictionTask task, Metric metric, TrialTask trialTask, int seed) => new()
    {
        Directory = directory,
        Spaces = [.. sweeps.Select(sweep => sweep.Space)],
        Metric = metric,
        CurveMetricName = task == PredictionTask.Generation ? GenerationTrialTask.Loss : TaskLoss.MetricName(task),
        Cost = settings.Cost,
        Seed = seed,
        Baseline = trialTask.BaselineName,
        BaselineModels = [.. sweeps.SelectMany(Models).Select(model => model ?? DefaultModel(task)).Distinct()],
        DataFingerprint = trialTask.Fingerprint,
        MaxTrials = settings.MaxTrials,
        MaxTime = settings.MaxTime,
        MaxConcurrentTrials = settings.MaxConcurrentTrials,
        Refit = settings.Refit,
        MaxTrialTime = settings.MaxTrialTime,
        MaxTrialMegabytes = settings.MaxTrialMegabytes,
    };

    /// <summary>The frozen models that a method's trials use.</summary>
    private static IEnumerable<string?> Models(PeftSweep sweep)
        => sweep.Space.Dimensions.OfType<ChoiceDimension>().FirstOrDefault(dimension => dimension.Name == nameof(SoftPromptOptions.Model)) is { } choice
            ? choice.Values.Cast<string?>()
            : [sweep.CreateOptions(sweep.Space.Default).Model];

    private static string DefaultModel(PredictionTask task) => task == PredictionTask.Generation ? ModelLocator.DefaultDecoder : ModelLocator.DefaultEncoder;

    /// <summary>A baseline reads rows as the first method does that uses its model.</summary>
    private SoftPromptOptions BaselineOptions(IReadOnlyList<PeftSweep> sweeps, PredictionTask task, string model, int maxEpochs, int seed)
    {
        var sweep = sweeps.First(sweep => Models(sweep).Any(name => (name ?? DefaultModel(task)) == model));
        var options = Complete(sweep.CreateOptions(sweep.Space.Default), maxEpochs, seed);
        options.Model = model;
        return options;
    }

    /// <summary>With what is the experiment's.</summary>
    private SoftPromptOptions Complete(SoftPromptOptions options, int maxEpochs, int seed)
    {
        options.LabelColumnName = settings.Columns.Label;
        options.TextColumnName = settings.Columns.Text;
        options.SecondTextColumnName = settings.Columns.SecondText;
        options.MaxEpochs = maxEpochs;
        options.Seed = seed;
        return options;
    }

    private void Save(Stream stream, PredictionShape shape, PeftModel model, TrainingHistory history, SoftPromptOptions options)
    {
        // Not disposed: the model is the trial's.
        var transformer = new SoftPromptTransformer(mlContext, shape, options.Precision, model, history);
        mlContext.Model.Save(settings.Wrap(transformer), settings.InputSchema ?? settings.Train!.Schema, stream);
    }

    private void Log(PeftExperimentResult result)
    {
        using var channel = _host.Start("Result");
        channel.Info(MessageSensitivity.None, result.Summary);
    }
}
