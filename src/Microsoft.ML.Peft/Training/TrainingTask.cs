using System.Globalization;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>
/// What is learnt: parameters, a loss over training rows and a metric on validation rows. <see cref="TrainingSession"/> does the rest.
/// </summary>
internal abstract class TrainingTask : IDisposable
{
    /// <summary>Tokens of each training row, virtual tokens left out.</summary>
    public abstract IReadOnlyList<int> RowLengths { get; }

    /// <summary>All that is trained; the first group is the soft prompt.</summary>
    public abstract IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>What is drawn while training, dropout, comes from here; null if nothing is.</summary>
    public virtual Generator? Generator => null;

    /// <summary>How many epochs are run where nobody says it, and the steps that they must come to: else there are more.</summary>
    public virtual (int Epochs, int LeastSteps) UsualLength => TrainingSettings.HeadLength;

    /// <summary>Whether there are validation rows.</summary>
    public abstract bool HasValidation { get; }

    /// <summary>The name of <see cref="ValidationResult.Metric"/>.</summary>
    public abstract string MetricName { get; }

    /// <summary>Whether smaller metrics are better ones.</summary>
    public virtual bool LowerIsBetter => false;

    public IEnumerable<Parameter> Parameters => Groups.SelectMany(group => group.Parameters.Values);

    /// <summary>What the soft prompt is trained on.</summary>
    public abstract Backbone Backbone { get; }

    /// <summary>What is trained in front of the frozen model.</summary>
    public abstract SoftPrompt SoftPrompt { get; }

    /// <summary>The soft prompt of one step, with all computed that does not depend on the rows. Called in a dispose scope.</summary>
    /// <param name="checkpoints">Where layers that virtual tokens pass are computed again for their gradients; else null.</param>
    public Prompt Prompt(GradientCheckpoints? checkpoints) => Backbone.Prepare(SoftPrompt.Forward().With(checkpoints));

    /// <summary>The mean loss over some training rows, a scalar with gradient. Called in a dispose scope.</summary>
    /// <param name="rows">The rows' numbers.</param>
    /// <param name="prompt">What <see cref="Prompt(GradientCheckpoints)"/> gave.</param>
    public abstract Tensor Loss(int[] rows, Prompt prompt);

    /// <summary>What the mean in <see cref="Loss"/> is over: the rows' weight in the mean over all rows.</summary>
    public virtual double Weight(int[] rows) => rows.Length;

    /// <summary>The soft prompt's result on the validation rows.</summary>
    /// <param name="checkCancelled">Called before each batch.</param>
    public abstract ValidationResult Validate(Action checkCancelled);

    /// <summary>What the frozen model reaches on the validation rows without a soft prompt, in the same metric.</summary>
    /// <param name="checkCancelled">Called before each batch.</param>
    public abstract double Baseline(Action checkCancelled);

    /// <summary>What remains to be done on the parameters of the best epoch when training has ended.</summary>
    /// <param name="checkCancelled">Called before each batch.</param>
    public virtual void Finish(Action checkCancelled) { }

    /// <summary>The history of a finished training.</summary>
    /// <param name="epochs">The epochs in order.</param>
    /// <param name="bestEpoch">The kept one.</param>
    /// <param name="best">Its result; null without validation rows.</param>
    /// <param name="baseline">What <see cref="Baseline"/> gave; null without validation rows.</param>
    public abstract TrainingHistory History(IReadOnlyList<TrainingEpoch> epochs, int bestEpoch, ValidationResult? best, double? baseline);

    /// <summary>Whether one metric is better than another.</summary>
    public bool Better(double metric, double other) => LowerIsBetter ? metric < other : metric > other;

    /// <summary>The error for numbers that have left the floating-point range, which says what to change.</summary>
    public InvalidOperationException Diverged(string how)
    {
        var rates = Groups.Select(group => string.Create(CultureInfo.InvariantCulture, $"a lower {group.LearningRateOption} than {group.LearningRate}"));
        return new DivergedException($"Training diverged: {how}. Use {string.Join(" or ", rates)}, or Precision.Float32.");
    }

    public abstract void Dispose();
}
