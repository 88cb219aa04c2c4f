using System.Globalization;
using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML.Tests.Support;

/// <summary>Searches with the <see cref="SyntheticRunner"/>.</summary>
internal static class SyntheticSearch
{
    public const int MaxEpochs = 9;

    public static SearchPlan Plan(string directory) => new()
    {
        Directory = directory,
        Spaces = Landscapes.Three,
        Metric = new Metric("Accuracy"),
        Seed = 7,
        Baseline = "linear probe",
        BaselineModels = ["model"],
        MaxTrials = 12,
    };

    public static ITuner Tuner(string name, int seed = 7, int maxEpochs = MaxEpochs, IReadOnlyList<MethodSpace>? spaces = null)
    {
        spaces ??= Landscapes.Three;
        return name switch
        {
            "random" => new FullTrainingTuner(new RandomSampler(spaces, seed), maxEpochs),
            "grid" => new FullTrainingTuner(new GridSampler(spaces, 3), maxEpochs),
            "TPE" => new FullTrainingTuner(new TpeSampler(spaces, seed), maxEpochs),
            "ASHA" => new AshaTuner(new RandomSampler(spaces, seed), 3, 1, maxEpochs),
            "BOHB" => new AshaTuner(new TpeSampler(spaces, seed, 1 / 3.0), 3, 1, maxEpochs),
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        };
    }

    public static PeftExperimentResult Run(
        SearchPlan plan, string tuner = "ASHA", SyntheticRunner? runner = null, IPeftMonitor? monitor = null, TimeProvider? time = null, CancellationToken cancellationToken = default,
        bool expectsNothing = false)
    {
        using var search = Search.Open(plan, Tuner(tuner, plan.Seed, spaces: plan.Spaces), runner ?? new SyntheticRunner(), monitor is null ? [] : [monitor], time ?? TimeProvider.System);
        var run = search.RunAsync(cancellationToken);
        if (expectsNothing)
            Assert.Throws<InvalidOperationException>(() => run.GetAwaiter().GetResult());
        else
            run.GetAwaiter().GetResult();
        return search.State.Result;
    }

    /// <summary>All of a result that does not depend on the clock.</summary>
    public static string Describe(PeftExperimentResult result) => string.Join('\n',
        result.Trials.Select(Describe).Append($"best {result.Best?.TrialId}, baseline {result.Baseline?.TrialId}, {result.Summary}"));

    private static string Describe(PeftTrialResult trial) => string.Create(CultureInfo.InvariantCulture,
        $"{trial.TrialId} {trial.Method} {string.Join(' ', trial.Parameters.Select(p => $"{p.Key}={Configuration.Text(p.Value)}"))} seed {trial.Seed} {trial.Status} {trial.Failure} " +
        $"rung {trial.Rung} epochs {trial.Epochs} metric {trial.Metric:R} adapter {trial.AdapterBytes} curve {string.Join(' ', trial.LearningCurve.Select(e => $"{e.Epoch}:{e.Metric:R}"))}");
}
