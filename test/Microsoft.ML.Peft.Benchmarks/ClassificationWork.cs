using Microsoft.ML.Peft.Benchmarks.Naive;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>Each label is a class; a head is trained along.</summary>
internal sealed class ClassificationWork : TrainingWork
{
    private readonly TokenizedRows _rows;
    private readonly int _classes;
    private readonly Pooling _pooling;

    private ClassificationWork(MethodSettings method, TrainingSettings settings, TokenizedRows rows, int classes, Pooling pooling)
        : base(method, settings)
    {
        (_rows, _classes, _pooling) = (rows, classes, pooling);
        Lengths = [.. rows.Texts.Select(text => text.Ids.Count)];
    }

    public override IReadOnlyList<int> Lengths { get; }

    public static ClassificationWork Create(PretrainedModel backbone, SoftPromptOptions options, IReadOnlyList<DataFile.Row> rows, int batches)
    {
        string[] classes = [.. rows.Select(row => row.Label).Distinct()];
        var method = options.ToMethodSettings();
        var settings = options.ToTrainingSettings(options.Seed ?? 1, classes);
        var tokens = TokenizedRows.Create(backbone, DataFile.Labeled(rows, classes), SoftPromptTrainer.MaxTokens(backbone, method, settings), () => { });
        var sample = tokens.Select(SampleRows([.. tokens.Texts.Select(text => text.Ids.Count)], settings, batches));
        return new ClassificationWork(method, settings, sample, classes.Length, options.Pooling == Pooling.Auto ? backbone.Frozen.Pooling : options.Pooling);
    }

    public override Learner Start(PretrainedModel backbone)
    {
        var initializer = new Initializer(Settings.Seed, backbone.Frozen.Backbone.Device);
        var trainee = SoftPromptTrainer.CreateTrainee(backbone, Method, _pooling, _classes, _rows, Settings, initializer);
        var task = new HeadTask(trainee, PredictionTask.Multiclass, _rows, null, SoftPromptTrainer.LearningRate(Method, Settings), Settings);
        return new Learner(task, trainee.SoftPrompt, trainee.Head, initializer);
    }

    public override Tensor NaiveLoss(NaiveModel model, Learner learner, int[] rows)
    {
        var texts = rows.Select(row => _rows.Texts[row]).ToList();
        var batch = NaiveBatch.Create([.. texts.Select(text => text.Ids)], [.. texts.Select(text => text.TypeIds)]);
        var hidden = model.Forward(batch, NaivePrompt.Of(learner.SoftPrompt, Method.VirtualTokens));
        var labels = tensor(rows.Select(row => (long)_rows.Labels[row]).ToArray());
        return nn.functional.cross_entropy(new NaiveHead(learner.Head!, model.Pooler).Forward(hidden, batch), labels, label_smoothing: Settings.LabelSmoothing);
    }

    protected override double Row(Operations operations, int row) => operations.Row(Lengths[row], _pooling == Pooling.Mean ? Lengths[row] : 1);
}
