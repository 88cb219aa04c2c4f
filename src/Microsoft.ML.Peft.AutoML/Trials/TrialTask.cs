using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>What all trials of a search learn: the rows, read once, and how results on them are judged.</summary>
internal abstract class TrialTask
{
    /// <summary>What the frozen model is compared with.</summary>
    public abstract string BaselineName { get; }

    /// <summary>The parts that the rows are divided into for cross-validation; 1 for one validation set.</summary>
    public abstract int Folds { get; }

    /// <summary>The rows of a training, on average over the parts.</summary>
    public abstract int TrainingRows { get; }

    /// <summary>Tells these rows from others.</summary>
    public abstract string Fingerprint { get; }

    /// <summary>A training that is ready to run.</summary>
    /// <param name="backbone">The frozen model.</param>
    /// <param name="options">A trial's options, with its seed.</param>
    /// <param name="fold">The part that validates.</param>
    /// <param name="checkCancelled">Called before each step; throws to stop.</param>
    public abstract SoftPromptTrainer CreateTrainer(PretrainedModel backbone, SoftPromptOptions options, int fold, Action checkCancelled);

    /// <summary>A training on all rows, of which none validate, that is ready to run.</summary>
    /// <param name="backbone">The frozen model.</param>
    /// <param name="options">A trial's options, with its seed.</param>
    /// <param name="inverseTemperature">The trial's calibration.</param>
    /// <param name="checkCancelled">Called before each step; throws to stop.</param>
    public abstract SoftPromptTrainer CreateRefit(PretrainedModel backbone, SoftPromptOptions options, double inverseTemperature, Action checkCancelled);

    /// <summary>What the frozen model reaches without a soft prompt.</summary>
    /// <param name="backbone">The frozen model.</param>
    /// <param name="options">How rows are tokenised and pooled.</param>
    /// <param name="fold">The part that validates.</param>
    /// <param name="checkCancelled">Called before each batch; throws to stop.</param>
    public abstract Evaluation Baseline(PretrainedModel backbone, SoftPromptOptions options, int fold, Action checkCancelled);

    /// <summary>What a trained model reaches.</summary>
    /// <param name="model">The model.</param>
    /// <param name="history">Its training.</param>
    /// <param name="options">Its options.</param>
    /// <param name="fold">The part that validates.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public abstract Evaluation Evaluate(PeftModel model, TrainingHistory history, SoftPromptOptions options, int fold, CancellationToken cancellationToken);

    /// <summary>The epochs of a training where nobody says how many: more where rows are few, because steps decide.</summary>
    /// <param name="batchSizes">Rows per training step of each method; null for the usual ones. The largest makes the fewest steps.</param>
    public int UsualEpochs(IEnumerable<int?> batchSizes)
    {
        var (epochs, steps, usual) = Length;
        int batch = batchSizes.Max(size => size ?? usual);
        int batches = (TrainingRows + batch - 1) / batch;
        return Math.Max(epochs, (steps + batches - 1) / batches);
    }

    /// <summary>The usual epochs, the least steps that they must come to, and the usual batch.</summary>
    protected abstract (int Epochs, int Steps, int Batch) Length { get; }

    protected static TrainingObserver Quiet(Action checkCancelled) => new(_ => { }, _ => { }, checkCancelled);
}
