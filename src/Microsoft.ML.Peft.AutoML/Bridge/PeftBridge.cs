using Microsoft.ML.AutoML;
using Microsoft.ML.Peft.AutoML.Bridge;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>
/// Soft prompts in experiments of the package Microsoft.ML.AutoML. For builds with the property `UseMicrosoftMLAutoML` only.
/// </summary>
public static class PeftBridge
{
    /// <summary>A soft-prompt method as an estimator whose options an experiment searches.</summary>
    /// <param name="sweep">The method, with the columns of its options as they are.</param>
    /// <param name="configure">Sets what is the same in all trials, such as epochs, seed and validation set. Null: nothing.</param>
    public static SweepableEstimator ToSweepableEstimator(this PeftSweep sweep, Action<SoftPromptOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(sweep);
        return new SweepableEstimator(
            (mlContext, parameter) =>
            {
                var options = sweep.CreateOptions(OptionParameters.ToConfiguration(sweep.Space, parameter));
                configure?.Invoke(options);
                return PeftSweep.CreateEstimator(mlContext, options);
            },
            OptionParameters.ToSearchSpace(sweep.Space));
    }

    /// <summary>Proposes parameters by the tree-structured Parzen estimator (Bergstra et al. 2011), in any search space.</summary>
    /// <param name="experiment">The experiment.</param>
    /// <param name="seed">The seed. Null: that of the experiment's settings, else 0.</param>
    public static AutoMLExperiment SetPeftTpeTuner(this AutoMLExperiment experiment, int? seed = null)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        return experiment.SetTuner(services =>
        {
            var settings = (AutoMLExperiment.AutoMLExperimentSettings)services.GetService(typeof(AutoMLExperiment.AutoMLExperimentSettings))!;
            return new SearchSpaceTuner(settings.SearchSpace, space => new FullTrainingTuner(new TpeSampler([space], seed ?? settings.Seed ?? 0), 1));
        });
    }

    /// <summary>
    /// The trials of a <see cref="PeftExperiment"/> for an experiment of Microsoft.ML.AutoML: its methods, data, metric, tuner, epochs and seed. How long
    /// it lasts, and who watches, the other experiment says.
    /// </summary>
    /// <param name="experiment">The experiment. Its data is read now.</param>
    /// <param name="cancellationToken">Stops that with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The settings or the data do not fit together; the message says what to change.</exception>
    public static PeftTrials ToTrials(this PeftExperiment experiment, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        return new PeftTrials(TrialSession.Open(experiment.MLContext, experiment.Settings, cancellationToken));
    }

    /// <summary>Lets an experiment run a <see cref="PeftExperiment"/>'s trials, as that one's tuner proposes them; one that halves trains on from checkpoints.</summary>
    /// <param name="experiment">The experiment.</param>
    /// <param name="trials">The trials. Dispose them when the experiment has ended.</param>
    /// <remarks>Another tuner may be set afterwards; it then trains every proposal to the end.</remarks>
    public static AutoMLExperiment SetPeftTrials(this AutoMLExperiment experiment, PeftTrials trials)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        ArgumentNullException.ThrowIfNull(trials);
        // A runner for each trial, because the experiment disposes it after each.
        return experiment.AddSearchSpace(TrialParameters.Key, TrialParameters.ToSearchSpace(trials.Session.Spaces))
            .SetTuner(_ => new TrialTuner(trials.Session))
            .SetTrialRunner(_ => new TrialRunner(trials.Session));
    }
}
