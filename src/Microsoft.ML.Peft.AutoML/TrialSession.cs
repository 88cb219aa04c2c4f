using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>Single trials of an experiment's methods on its data, which somebody else asks for: the tuner's and any others.</summary>
/// <param name="mlContext">The context.</param>
/// <param name="prepared">The experiment; the session's from now on.</param>
internal sealed class TrialSession(MLContext mlContext, PreparedExperiment prepared) : IDisposable
{
    public IReadOnlyList<MethodSpace> Spaces => prepared.Plan.Spaces;

    public Metric Metric => prepared.Plan.Metric;

    public TrialByTrial Tuner { get; } = new(prepared.Tuner);

    /// <summary>Reads the data. Nothing is trained yet.</summary>
    /// <exception cref="ArgumentException">The settings or the data do not fit together.</exception>
    public static TrialSession Open(MLContext mlContext, ExperimentSettings settings, CancellationToken cancellationToken)
        => new(mlContext, new ExperimentRun(mlContext, settings).Prepare(cancellationToken));

    /// <summary>Trains a configuration up to a rung, from where an earlier call of the same trial stopped.</summary>
    /// <param name="id">The trial's number.</param>
    /// <param name="configuration">What it tries.</param>
    /// <param name="rung">The rung to stop at.</param>
    /// <param name="cancellationToken">Stops it with an <see cref="OperationCanceledException"/>.</param>
    public (TrialReport Report, ITransformer Model) Run(int id, Configuration configuration, int rung, CancellationToken cancellationToken)
    {
        var plan = prepared.Plan;
        int seed = StableHash.Seed(plan.Seed, "trial", id), maxEpochs = Tuner.Rungs[^1];
        var record = new TrialRecord(id, configuration.Space.Method, seed, null, null, TrialRecord.DirectoryOf(plan.TrialsDirectory, id, seed, configuration, maxEpochs));
        string result = record.ResultDirectory(rung);
        var report = prepared.Runner.Run(
            new TrialRequest(id, configuration, seed, Tuner.Rungs[rung], maxEpochs, record.CheckpointDirectory, result), _ => { }, cancellationToken);
        return (report, mlContext.Model.Load(Path.Combine(result, TrialRequest.ModelName), out _));
    }

    public void Dispose() => prepared.Dispose();
}
