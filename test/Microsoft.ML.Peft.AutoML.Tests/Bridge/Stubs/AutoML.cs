using Microsoft.ML.Data;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;
using Space = Microsoft.ML.SearchSpace.SearchSpace;

// Stand-ins for Microsoft.ML.AutoML with as much of its behaviour as the bridge and its documentation use; ContractTests compares their signatures with the
// package's. Trials run one after another, the runner is disposed after each, and of the parameters only "_pipeline_" concerns a pipeline.

namespace Microsoft.ML.AutoML;

public class Estimator
{
    private protected Estimator() { }
}

public class SweepableEstimator(Func<MLContext, Parameter, IEstimator<ITransformer>> factory, Space ss) : Estimator
{
    public Space SearchSpace { get; set; } = ss ?? throw new ArgumentNullException(nameof(ss));

    public IEstimator<ITransformer> BuildFromOption(MLContext context, Parameter param) => factory(context, param);
}

public class SweepablePipeline
{
    private const string Schema = "_SCHEMA_";
    private readonly IEstimator<ITransformer> _first;
    private readonly SweepableEstimator[] _alternatives;

    internal SweepablePipeline(IEstimator<ITransformer> first, SweepableEstimator[] alternatives)
    {
        (_first, _alternatives) = (first, alternatives);
        SearchSpace.Add(Schema, new ChoiceOption([.. alternatives.Select((_, i) => $"e{i}")], "e0"));
        for (int i = 0; i < alternatives.Length; i++)
            SearchSpace.Add($"e{i}", alternatives[i].SearchSpace);
    }

    public Space SearchSpace { get; } = new();

    public EstimatorChain<ITransformer> BuildFromOption(MLContext context, Parameter parameter)
    {
        string chosen = parameter[Schema].AsType<string>();
        return new EstimatorChain<ITransformer>().Append(_first).Append(_alternatives[int.Parse(chosen[1..], null)].BuildFromOption(context, parameter[chosen]));
    }
}

public static class SweepableExtension
{
    public static SweepablePipeline Append(this IEstimator<ITransformer> estimator, params SweepableEstimator[] estimators) => new(estimator, estimators);
}

public class TrialSettings
{
    public int TrialId { get; set; }

    public Parameter Parameter { get; set; } = Parameter.CreateNestedParameter();
}

public class TrialResult
{
    public TrialSettings TrialSettings { get; set; } = new();

    public ITransformer Model { get; set; } = null!;

    public double Loss { get; set; }

    public double Metric { get; set; }

    public double DurationInMilliseconds { get; set; }
}

public interface ITuner
{
    Parameter Propose(TrialSettings settings);

    void Update(TrialResult result);
}

public interface ITrialRunner : IDisposable
{
    Task<TrialResult> RunAsync(TrialSettings settings, CancellationToken ct);
}

public class ExperimentSettings;

public enum MulticlassClassificationMetric
{
    MicroAccuracy,
    LogLoss,
}

public class AutoMLExperiment(MLContext context, AutoMLExperiment.AutoMLExperimentSettings settings)
{
    private Func<IServiceProvider, ITuner>? _tuner;
    private Func<IServiceProvider, ITrialRunner>? _runner;
    private int _mostTrials = int.MaxValue;

    internal MLContext Context { get; } = context;

    internal (IDataView Train, IDataView Validation) Data { get; set; }

    internal (MulticlassClassificationMetric Metric, string Label) Metric { get; set; }

    public AutoMLExperiment SetMaxModelToExplore(int maxModel)
    {
        _mostTrials = maxModel;
        return this;
    }

    public AutoMLExperiment AddSearchSpace(string key, Space searchSpace)
    {
        settings.SearchSpace[key] = searchSpace;
        return this;
    }

    public AutoMLExperiment SetTrialRunner<TTrialRunner>(Func<IServiceProvider, TTrialRunner> factory) where TTrialRunner : class, ITrialRunner
    {
        _runner = factory;
        return this;
    }

    public AutoMLExperiment SetTuner<TTuner>(Func<IServiceProvider, TTuner> factory) where TTuner : class, ITuner
    {
        _tuner = factory;
        return this;
    }

    public async Task<TrialResult> RunAsync(CancellationToken ct = default)
    {
        var services = new Services(settings);
        var tuner = _tuner!(services);
        TrialResult? best = null;
        for (int id = 0; id < _mostTrials; id++)
        {
            var trial = new TrialSettings { TrialId = id };
            trial.Parameter = tuner.Propose(trial);
            using var runner = _runner!(services);
            try
            {
                var result = await runner.RunAsync(trial, ct);
                tuner.Update(result);
                best = best is null || result.Loss < best.Loss ? result : best;
            }
            catch (Exception e) when (best is not null && e is not OperationCanceledException)
            {
                // A failed trial is reported to the monitor; the tuner hears nothing of it.
            }
        }
        return best ?? throw new TimeoutException("Training time finished without completing a trial run");
    }

    public class AutoMLExperimentSettings : ExperimentSettings
    {
        public int? Seed { get; set; }

        public Space SearchSpace { get; set; } = new();
    }

    private sealed class Services(AutoMLExperimentSettings settings) : IServiceProvider
    {
        public object? GetService(Type serviceType) => serviceType == typeof(AutoMLExperimentSettings) ? settings : null;
    }
}

public static class AutoMLExperimentExtension
{
    public static AutoMLExperiment SetDataset(this AutoMLExperiment experiment, IDataView train, IDataView validation, bool subSamplingTrainDataset = false)
    {
        experiment.Data = (train, validation);
        return experiment;
    }

    public static AutoMLExperiment SetMulticlassClassificationMetric(
        this AutoMLExperiment experiment, MulticlassClassificationMetric metric, string labelColumn = "label", string predictedColumn = "PredictedLabel")
    {
        experiment.Metric = (metric, labelColumn);
        return experiment;
    }

    public static AutoMLExperiment SetPipeline(this AutoMLExperiment experiment, SweepablePipeline pipeline)
        => experiment.AddSearchSpace("_pipeline_", pipeline.SearchSpace).SetTrialRunner(_ => new PipelineRunner(experiment, pipeline));

    private sealed class PipelineRunner(AutoMLExperiment experiment, SweepablePipeline pipeline) : ITrialRunner
    {
        public Task<TrialResult> RunAsync(TrialSettings settings, CancellationToken ct)
        {
            var (train, validation) = experiment.Data;
            var model = pipeline.BuildFromOption(experiment.Context, settings.Parameter["_pipeline_"]).Fit(train);
            var metrics = experiment.Context.MulticlassClassification.Evaluate(model.Transform(validation), experiment.Metric.Label);
            bool isLoss = experiment.Metric.Metric == MulticlassClassificationMetric.LogLoss;
            double metric = isLoss ? metrics.LogLoss : metrics.MicroAccuracy;
            return Task.FromResult(new TrialResult { TrialSettings = settings, Model = model, Metric = metric, Loss = isLoss ? metric : -metric });
        }

        public void Dispose() { }
    }
}

public sealed class AutoCatalog
{
    private readonly MLContext _context;

    internal AutoCatalog(MLContext context) => _context = context;

    public AutoMLExperiment CreateExperiment(AutoMLExperiment.AutoMLExperimentSettings? settings = null) => new(_context, settings ?? new());
}

public static class MLContextExtension
{
    public static AutoCatalog Auto(this MLContext mlContext) => new(mlContext);
}
