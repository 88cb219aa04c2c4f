using Microsoft.ML.Peft.Benchmarks.Naive;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>What train-speed and memory train: some of a file's rows, over and over, and a task on them.</summary>
/// <param name="method">The soft prompt.</param>
/// <param name="settings">How it is trained.</param>
internal abstract class TrainingWork(MethodSettings method, TrainingSettings settings)
{
    /// <summary>How many batches a round goes through.</summary>
    public const int UsualBatches = 8;

    public static string[] Tasks { get; } = ["classification", "generation"];

    public MethodSettings Method => method;

    public TrainingSettings Settings => settings;

    /// <summary>Tokens of each row.</summary>
    public abstract IReadOnlyList<int> Lengths { get; }

    public int BatchesPerEpoch => (Lengths.Count + settings.BatchSize - 1) / settings.BatchSize;

    /// <param name="task">One of <see cref="Tasks"/>.</param>
    /// <param name="backbone">The frozen model.</param>
    /// <param name="options">The method and how it is trained.</param>
    /// <param name="rows">The training file's rows.</param>
    /// <param name="batches">How many batches are taken of them.</param>
    public static TrainingWork Create(string task, PretrainedModel backbone, SoftPromptOptions options, IReadOnlyList<DataFile.Row> rows, int batches = UsualBatches) => task == "generation"
        ? GenerationWork.Create(backbone, options, rows, batches)
        : ClassificationWork.Create(backbone, options, rows, batches);

    /// <summary>A new soft prompt, the same each time, and the task that trains it.</summary>
    public abstract Learner Start(PretrainedModel backbone);

    /// <summary>The operations that all rows need once.</summary>
    public double OperationsPerEpoch(ModelConfiguration shape)
    {
        var operations = new Operations(shape, method is PrefixTuningSettings, method.VirtualTokens, Training: true);
        return BatchesPerEpoch * operations.Batch + Enumerable.Range(0, Lengths.Count).Sum(row => Row(operations, row));
    }

    /// <summary>The mean loss over some rows as Hugging Face PEFT computes it, with the same soft prompt.</summary>
    public abstract Tensor NaiveLoss(NaiveModel model, Learner learner, int[] rows);

    protected abstract double Row(Operations operations, int row);

    /// <summary>
    /// The rows of a few of an epoch's batches, from short texts to long ones: sorted and cut by the session, they give batches
    /// of the same lengths again.
    /// </summary>
    protected static int[] SampleRows(IReadOnlyList<int> lengths, TrainingSettings settings, int count)
    {
        var batches = new BatchSampler(lengths, settings.BatchSize, new Random(settings.Seed)).NextEpoch();
        int largest = batches.Max(batch => batch.Length);
        var whole = batches.Where(batch => batch.Length == largest).OrderBy(batch => batch.Sum(row => lengths[row])).ToArray();
        return [.. Sample.Of(whole, count).SelectMany(batch => batch)];
    }
}
