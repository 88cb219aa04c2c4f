using Microsoft.ML.Peft.AutoML.Monitoring;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>Settings of the experiments that run in one call. <see cref="PeftExperiment"/> has more.</summary>
public sealed class PeftExperimentSettings
{
    /// <summary>The time of the search in seconds, at least 1. Default 3600.</summary>
    public uint MaxExperimentTimeInSeconds { get; set; } = 3600;

    /// <summary>The most trials, baselines left out, at least 1. Default null: no limit.</summary>
    public int? MaxModels { get; set; }

    /// <summary>The text column. Default `Text`.</summary>
    public string TextColumnName { get; set; } = "Text";

    /// <summary>A second text column for pairs. Default null: none.</summary>
    public string? SecondTextColumnName { get; set; }

    /// <summary>The frozen models to choose from. Default empty: the embedded one.</summary>
    public IList<string> Models { get; } = [];

    /// <summary>The methods to search. Default empty: all of <see cref="PeftSweep.All"/>.</summary>
    public IList<PeftSweep> Methods { get; } = [];

    /// <summary>See <see cref="PeftExperiment.SetMaxEpochs"/>. Default null.</summary>
    public int? MaxEpochs { get; set; }

    /// <summary>See <see cref="PeftExperiment.SetMaxConcurrentTrials"/>. Default 1.</summary>
    public int MaxConcurrentTrials { get; set; } = 1;

    /// <summary>See <see cref="PeftExperiment.SetRefit"/>; its training begins when the time of the search is over. Default true.</summary>
    public bool Refit { get; set; } = true;

    /// <summary>See <see cref="PeftExperiment.SetSeed"/>. Default null.</summary>
    public int? Seed { get; set; }

    /// <summary>See <see cref="PeftExperiment.SetCheckpoint"/>. Default null: a new temporary directory.</summary>
    public string? CacheDirectoryName { get; set; }

    /// <summary>Stops the search with an <see cref="OperationCanceledException"/>. Default: none.</summary>
    public CancellationToken CancellationToken { get; set; }

    /// <summary>Runs a search with these settings.</summary>
    /// <param name="mlContext">The context.</param>
    /// <param name="labelColumnName">The label column.</param>
    /// <param name="progressHandler">Is told of every trial that ends or waits; null for nobody.</param>
    /// <param name="setData">Sets the rows.</param>
    internal PeftExperimentResult Run(MLContext mlContext, string labelColumnName, IProgress<PeftTrialResult>? progressHandler, Action<PeftExperiment> setData)
    {
        var experiment = Apply(new PeftExperiment(mlContext)).SetColumns(labelColumnName, TextColumnName, SecondTextColumnName);
        if (progressHandler is not null)
            experiment.SetMonitor(new ProgressMonitor(progressHandler));
        setData(experiment);
        experiment.RunAsync(CancellationToken).GetAwaiter().GetResult();
        return experiment.Result!;
    }

    internal PeftExperiment Apply(PeftExperiment experiment)
    {
        experiment.SetTrainingTimeInSeconds(MaxExperimentTimeInSeconds).SetMaxConcurrentTrials(MaxConcurrentTrials).SetRefit(Refit);
        foreach (var method in Methods)
            experiment.AddMethod(method);
        if (Models.Count > 0)
            experiment.SetModels([.. Models]);
        if (MaxModels is { } trials)
            experiment.SetMaxModelToExplore(trials);
        if (MaxEpochs is { } epochs)
            experiment.SetMaxEpochs(epochs);
        if (Seed is { } seed)
            experiment.SetSeed(seed);
        if (CacheDirectoryName is { } directory)
            experiment.SetCheckpoint(directory);
        return experiment;
    }
}
