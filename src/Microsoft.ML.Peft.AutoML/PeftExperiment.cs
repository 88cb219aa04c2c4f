using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.AutoML.Tuners;
using Microsoft.ML.Peft.Inference;
using static Microsoft.ML.DataOperationsCatalog;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>
/// Searches the soft-prompt method and its options that suit some data best, within a budget. Made by
/// <see cref="PeftAutoCatalog.CreateExperiment"/>; every verb changes the experiment and returns it.
/// </summary>
/// <remarks>
/// The frozen model is loaded once and shared by all trials. The first trials are baselines, which say whether a soft prompt is worth its
/// training at all; then each method is tried with its default options. A trial that fails is recorded with its reason, and the search
/// goes on. With <see cref="SetCheckpoint"/> a search that was interrupted, even by a kill, goes on as if nothing had happened.
/// <para>
/// The experiment's metric compares trials. Within a trial the best epoch is chosen as in any training, by accuracy, R² or loss: so a trial's options
/// train the same model again, and the metric is that of this epoch.
/// </para>
/// </remarks>
/// <example>
/// <code>
/// PeftExperiment experiment = mlContext.Peft().CreateExperiment()
///     .AddMethod(PeftSweep.PromptTuning()).AddMethod(PeftSweep.PrefixTuning())
///     .SetDataset(train, validation)
///     .SetMulticlassClassificationMetric(PeftMulticlassMetric.MacroAccuracy)
///     .SetAshaTuner(reductionFactor: 3)
///     .SetMaxModelToExplore(40).SetTrainingTimeInSeconds(3600).SetMaxConcurrentTrials(2)
///     .SetCheckpoint("search");
/// PeftTrialResult best = await experiment.RunAsync();
/// ITransformer model = best.LoadModel(mlContext);
/// </code>
/// </example>
public sealed class PeftExperiment
{
    private readonly MLContext _mlContext;
    private int _running;

    internal PeftExperiment(MLContext mlContext) => _mlContext = mlContext;

    /// <summary>What the last run has found, also if it was cancelled or failed; null before the first.</summary>
    public PeftExperimentResult? Result { get; private set; }

    internal MLContext MLContext => _mlContext;

    internal ExperimentSettings Settings { get; set; } = new();

    /// <summary>Adds a method to search. Without any, all of <see cref="PeftSweep.All"/> are.</summary>
    /// <param name="sweep">The method with the ranges of its options.</param>
    /// <exception cref="ArgumentException">There is a method of this name already.</exception>
    public PeftExperiment AddMethod(PeftSweep sweep)
    {
        ArgumentNullException.ThrowIfNull(sweep);
        if (Settings.Methods.Any(other => other.Method == sweep.Method))
            throw new ArgumentException($"There is a method named '{sweep.Method}' already; give the sweep another name with WithName.", nameof(sweep));
        return With(Settings with { Methods = [.. Settings.Methods, sweep] });
    }

    /// <summary>Searches the frozen model too: each method's trials choose among these.</summary>
    /// <param name="models">Directories, `.gguf` files or hub ids, as in <see cref="SoftPromptOptions.Model"/>.</param>
    /// <exception cref="ArgumentException">There are none, or one is empty or appears twice.</exception>
    public PeftExperiment SetModels(params string[] models)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (models.Length == 0 || models.Any(string.IsNullOrWhiteSpace) || models.Distinct().Count() < models.Length)
            throw new ArgumentException("Give at least one frozen model, each once, and none empty.", nameof(models));
        return With(Settings with { Models = [.. models] });
    }

    /// <summary>Sets the rows to learn from.</summary>
    /// <param name="train">The training rows.</param>
    /// <param name="validation">The rows that trials are compared by. Null: a fifth of the training rows, at most 500, is held out.</param>
    public PeftExperiment SetDataset(IDataView train, IDataView? validation = null)
    {
        ArgumentNullException.ThrowIfNull(train);
        return With(Settings with { Train = train, Validation = validation, Folds = 1 });
    }

    /// <summary>Sets the rows to learn from.</summary>
    /// <param name="trainValidationSplit">The training rows, and as its test set the rows that trials are compared by.</param>
    public PeftExperiment SetDataset(TrainTestData trainValidationSplit)
    {
        return SetDataset(trainValidationSplit.TrainSet, trainValidationSplit.TestSet);
    }

    /// <summary>
    /// Sets the rows to learn from, and compares trials by cross-validation: every trial trains on all parts but one, for each part. Its
    /// metrics are the means over the parts; its model is that of the best one.
    /// </summary>
    /// <param name="dataset">The rows.</param>
    /// <param name="fold">The number of parts, at least 2; a trial takes as many times the time.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than two parts.</exception>
    public PeftExperiment SetDataset(IDataView dataset, int fold)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfLessThan(fold, 2);
        return With(Settings with { Train = dataset, Validation = null, Folds = fold });
    }

    /// <summary>Sets the columns. The label column's type decides the task, as in <see cref="SoftPromptOptions.LabelColumnName"/>.</summary>
    /// <param name="labelColumnName">The label column.</param>
    /// <param name="textColumnName">The text column.</param>
    /// <param name="secondTextColumnName">A second text column for pairs; null for none.</param>
    public PeftExperiment SetColumns(string labelColumnName = "Label", string textColumnName = "Text", string? secondTextColumnName = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(textColumnName);
        return With(Settings with { Columns = Settings.Columns with { Label = labelColumnName, Text = textColumnName, SecondText = secondTextColumnName } });
    }

    /// <summary>What is optimised if the labels are keys. Default <see cref="PeftMulticlassMetric.MicroAccuracy"/>.</summary>
    /// <param name="metric">The metric.</param>
    public PeftExperiment SetMulticlassClassificationMetric(PeftMulticlassMetric metric) => SetMetric(PredictionTask.Multiclass, metric, metric == PeftMulticlassMetric.LogLoss);

    /// <summary>What is optimised if the labels are Boolean. Default <see cref="PeftBinaryMetric.Accuracy"/>.</summary>
    /// <param name="metric">The metric.</param>
    public PeftExperiment SetBinaryClassificationMetric(PeftBinaryMetric metric) => SetMetric(PredictionTask.Binary, metric, metric == PeftBinaryMetric.LogLoss);

    /// <summary>What is optimised if the labels are Single. Default <see cref="PeftRegressionMetric.RSquared"/>.</summary>
    /// <param name="metric">The metric.</param>
    public PeftExperiment SetRegressionMetric(PeftRegressionMetric metric) => SetMetric(PredictionTask.Regression, metric, metric != PeftRegressionMetric.RSquared);

    /// <summary>What is optimised if the labels are texts to write. Default <see cref="PeftGenerationMetric.Loss"/>.</summary>
    /// <param name="metric">The metric.</param>
    public PeftExperiment SetGenerationMetric(PeftGenerationMetric metric) => SetMetric(PredictionTask.Generation, metric, metric == PeftGenerationMetric.Loss);

    /// <summary>
    /// Lets the search weigh the metric against a cost: instead of the best trials, those of the best Pareto fronts are promoted and learnt from.
    /// The result's best trial is still the one with the best metric, and <see cref="PeftExperimentResult.ParetoFront"/> holds the cheaper ones.
    /// </summary>
    /// <param name="cost">The cost.</param>
    public PeftExperiment SetCostObjective(PeftCost cost) => With(Settings with { Cost = Defined(cost) });

    /// <summary>Trains random configurations to the end (Bergstra and Bengio 2012).</summary>
    public PeftExperiment SetRandomSearchTuner()
        => With(Settings with { Tuner = (spaces, seed, epochs) => new FullTrainingTuner(new RandomSampler(spaces, seed), epochs), TunerEnds = false });

    /// <summary>Trains every combination of a few values of each option to the end.</summary>
    /// <param name="step">The values of each range, at least 1; all values of a choice are tried.</param>
    public PeftExperiment SetGridSearchTuner(int step = 3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        return With(Settings with { Tuner = (spaces, _, epochs) => new FullTrainingTuner(new GridSampler(spaces, step), epochs), TunerEnds = true });
    }

    /// <summary>Trains what the tree-structured Parzen estimator proposes to the end (Bergstra et al. 2011).</summary>
    public PeftExperiment SetTpeTuner()
        => With(Settings with { Tuner = (spaces, seed, epochs) => new FullTrainingTuner(new TpeSampler(spaces, seed), epochs), TunerEnds = false });

    /// <summary>
    /// Asynchronous successive halving (Li et al. 2020), the default: random configurations are trained for a few epochs, the best of every
    /// few go on from their checkpoint to a multiple of the epochs, up to a full training.
    /// </summary>
    /// <param name="reductionFactor">Of so many trials one goes on, to so many times the epochs; at least 2.</param>
    /// <param name="minEpochs">The fewest epochs before a trial is judged, at least 1. Null: so that there are at most three rungs.</param>
    public PeftExperiment SetAshaTuner(int reductionFactor = 3, int? minEpochs = null) => SetHalving(reductionFactor, minEpochs, learns: false);

    /// <summary>Asynchronous successive halving of what the tree-structured Parzen estimator proposes (after Falkner et al. 2018).</summary>
    /// <inheritdoc cref="SetAshaTuner"/>
    public PeftExperiment SetBohbTuner(int reductionFactor = 3, int? minEpochs = null) => SetHalving(reductionFactor, minEpochs, learns: true);

    /// <summary>Limits the number of trials, baselines left out.</summary>
    /// <param name="maxModel">The most trials to start, at least 1.</param>
    public PeftExperiment SetMaxModelToExplore(int maxModel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxModel, 1);
        return With(Settings with { MaxTrials = maxModel });
    }

    /// <summary>
    /// Limits the time of the search; interruptions do not count. When successive halving has just enough of it left, and no trial is trained to the
    /// end yet, it trains the best one to the end instead of beginning others.
    /// </summary>
    /// <param name="trainingTimeInSeconds">The most seconds, at least 1.</param>
    public PeftExperiment SetTrainingTimeInSeconds(uint trainingTimeInSeconds)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trainingTimeInSeconds, 1u);
        return With(Settings with { MaxTime = TimeSpan.FromSeconds(trainingTimeInSeconds) });
    }

    /// <summary>Sets the epochs of a full training.</summary>
    /// <param name="maxEpochs">The epochs, at least 1. Default: 5, and more where that would be fewer than 300 steps; in generation 1 and 80.</param>
    public PeftExperiment SetMaxEpochs(int maxEpochs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxEpochs, 1);
        return With(Settings with { MaxEpochs = maxEpochs });
    }

    /// <summary>Lets trials run at the same time. They share the frozen model and the processor's cores.</summary>
    /// <param name="maxConcurrentTrials">The most trials at a time, at least 1. Default 1.</param>
    /// <remarks>
    /// Random and grid search run the same trials whatever the number. The other tuners learn from what has ended, so that their trials depend on
    /// which one ends first.
    /// </remarks>
    public PeftExperiment SetMaxConcurrentTrials(int maxConcurrentTrials)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxConcurrentTrials, 1);
        return With(Settings with { MaxConcurrentTrials = maxConcurrentTrials });
    }

    /// <summary>Limits the memory of a trial; one that needs more is stopped and recorded as failed, and the search goes on.</summary>
    /// <param name="value">
    /// The most megabytes (1,000,000 bytes) by which the process may outgrow what it held before its trials: the frozen model does not count.
    /// Trials that run at the same time cannot be told apart; if they need more together, the last one is stopped.
    /// </param>
    public PeftExperiment SetMaximumMemoryUsageInMegaByte(double value)
    {
        if (!(value > 0))
            throw new ArgumentOutOfRangeException(nameof(value), FormattableString.Invariant($"The memory limit is {value}; it must be above 0."));
        return With(Settings with { MaxTrialMegabytes = value });
    }

    /// <summary>Limits the time of a trial; one that takes longer is stopped and recorded as failed, and the search goes on.</summary>
    /// <param name="trialTimeInSeconds">The most seconds of training, at least 1.</param>
    public PeftExperiment SetMaximumTrialTimeInSeconds(uint trialTimeInSeconds)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trialTimeInSeconds, 1u);
        return With(Settings with { MaxTrialTime = TimeSpan.FromSeconds(trialTimeInSeconds) });
    }

    /// <summary>
    /// Trains the best trial's configuration anew on training and validation rows together when the search is over: the validation rows have
    /// then done their work, and more rows make a better model. The best trial's model and adapter are those of this training.
    /// </summary>
    /// <param name="refit">Whether to. Default: not; experiments in one call do.</param>
    /// <remarks>
    /// It takes about the time of a full training, which the limits of search and trials do not count, with the trial's seed and probabilities
    /// calibrated as the trial's were. A trial that stopped early is trained up to its best epoch, any other to the end of its schedule.
    /// </remarks>
    public PeftExperiment SetRefit(bool refit = true) => With(Settings with { Refit = refit });

    /// <summary>Sets the seed of all that is random in the search and its trials.</summary>
    /// <param name="seed">The seed. Default: that of the search in the checkpoint directory, else drawn from the MLContext.</param>
    public PeftExperiment SetSeed(int seed) => With(Settings with { Seed = seed });

    /// <summary>Sets where the search keeps its log and the trials' models. A search that lies there goes on.</summary>
    /// <param name="directory">The directory, which is made if it does not exist. Default: a new temporary one.</param>
    public PeftExperiment SetCheckpoint(string directory)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        return With(Settings with { Directory = Path.GetFullPath(directory) });
    }

    /// <summary>Sets who watches the search.</summary>
    /// <param name="monitors">The monitors, which are told of every event in this order.</param>
    public PeftExperiment SetMonitor(params IPeftMonitor[] monitors)
    {
        ArgumentNullException.ThrowIfNull(monitors);
        foreach (var monitor in monitors)
            ArgumentNullException.ThrowIfNull(monitor, nameof(monitors));
        return With(Settings with { Monitors = [.. monitors] });
    }

    /// <inheritdoc cref="RunAsync"/>
    public PeftTrialResult Run() => RunAsync().GetAwaiter().GetResult();

    /// <summary>Searches until the budget is used up or nothing is left to try.</summary>
    /// <param name="cancellationToken">Stops the search. What it has found is in <see cref="Result"/>, and another run goes on with it.</param>
    /// <returns>The best trial. <see cref="Result"/> says whether it beats the baseline, and holds all others.</returns>
    /// <exception cref="ArgumentException">The settings or the data do not fit together; the message says what to change.</exception>
    /// <exception cref="InvalidOperationException">The experiment is running already; all trials failed; or <see cref="SetRefit"/>'s training did.</exception>
    /// <exception cref="TimeoutException">The time ended before any soft prompt had a result.</exception>
    /// <exception cref="IOException">Another search uses the checkpoint directory, or it cannot be written.</exception>
    /// <exception cref="InvalidDataException">The log in the checkpoint directory is damaged.</exception>
    /// <exception cref="OperationCanceledException">The search was cancelled.</exception>
    public async Task<PeftTrialResult> RunAsync(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _running, 1) != 0)
            throw new InvalidOperationException("The experiment is running already; wait until it has ended.");
        try
        {
            // Reading the data and training both block a thread for long.
            return await Task.Run(() => new ExperimentRun(_mlContext, Settings).RunAsync(result => Result = result, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }

    private PeftExperiment SetHalving(int reductionFactor, int? minEpochs, bool learns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(reductionFactor, 2);
        if (minEpochs is { } least)
            ArgumentOutOfRangeException.ThrowIfLessThan(least, 1, nameof(minEpochs));
        return With(Settings with { Tuner = ExperimentSettings.Asha(reductionFactor, minEpochs, learns), TunerEnds = false });
    }

    private PeftExperiment SetMetric<T>(PredictionTask task, T metric, bool lowerIsBetter) where T : struct, Enum
        => With(Settings with { Metric = (task, new Metric(Defined(metric).ToString(), lowerIsBetter)) });

    private static T Defined<T>(T value) where T : struct, Enum => Enum.IsDefined(value)
        ? value : throw new ArgumentOutOfRangeException(nameof(value), $"{value} is unknown; it must be {string.Join(", ", Enum.GetNames<T>())}.");

    private PeftExperiment With(ExperimentSettings settings)
    {
        Settings = settings;
        return this;
    }
}
