using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.AutoML.Tuners;
using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>What the verbs of <see cref="PeftExperiment"/> have said.</summary>
internal sealed record ExperimentSettings
{
    public IReadOnlyList<PeftSweep> Methods { get; init; } = [];

    public IReadOnlyList<string> Models { get; init; } = [];

    public IDataView? Train { get; init; }

    public IDataView? Validation { get; init; }

    /// <summary>The parts of a cross-validation; 1 for none.</summary>
    public int Folds { get; init; } = 1;

    public ColumnNames Columns { get; init; } = new PromptTuningOptions().ToColumnNames();

    /// <summary>The metric, and the task that it belongs to; null for the task's usual one.</summary>
    public (PredictionTask Task, Metric Metric)? Metric { get; init; }

    public PeftCost? Cost { get; init; }

    /// <summary>Makes the tuner from what is searched, the seed and the epochs of a full training.</summary>
    public Func<IReadOnlyList<MethodSpace>, int, int, ITuner> Tuner { get; init; } = Asha(3, null, learns: false);

    /// <summary>Whether the tuner ends by itself.</summary>
    public bool TunerEnds { get; init; }

    public int? MaxTrials { get; init; }

    public TimeSpan? MaxTime { get; init; }

    public int? MaxEpochs { get; init; }

    public int MaxConcurrentTrials { get; init; } = 1;

    public TimeSpan? MaxTrialTime { get; init; }

    public double? MaxTrialMegabytes { get; init; }

    /// <summary>Whether the best trial is trained anew on all rows in the end.</summary>
    public bool Refit { get; init; }

    public int? Seed { get; init; }

    public string? Directory { get; init; }

    public IReadOnlyList<IPeftMonitor> Monitors { get; init; } = [];

    /// <summary>Puts around a trained transformer what else belongs to the model.</summary>
    public Func<ITransformer, ITransformer> Wrap { get; init; } = model => model;

    /// <summary>The schema of the rows that the model as a whole takes; null for that of <see cref="Train"/>.</summary>
    public DataViewSchema? InputSchema { get; init; }

    public static Func<IReadOnlyList<MethodSpace>, int, int, ITuner> Asha(int reductionFactor, int? minEpochs, bool learns) => (spaces, seed, maxEpochs) =>
    {
        // By default three rungs: more would judge by epochs of few steps.
        int least = minEpochs ?? Math.Max(1, maxEpochs / (reductionFactor * reductionFactor));
        ISampler sampler = learns ? new TpeSampler(spaces, seed, randomFraction: 1 / 3.0) : new RandomSampler(spaces, seed);
        return new AshaTuner(sampler, reductionFactor, least, maxEpochs);
    };
}
