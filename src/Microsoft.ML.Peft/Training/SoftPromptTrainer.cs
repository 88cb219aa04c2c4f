using System.Globalization;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using static System.FormattableString;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>Trains a soft prompt, and where there is one a head, on a frozen backbone: from labelled texts to a <see cref="PeftModel"/>.</summary>
internal sealed class SoftPromptTrainer : IDisposable
{
    private const int FewestTextTokens = 3;     // [CLS], a token, [SEP]

    private readonly PretrainedModel _backbone;
    private readonly TrainingObserver _observer;
    private readonly Initializer _initializer;
    private readonly TrainingTask _task;
    private readonly Func<Adapter> _bake;
    private readonly Lazy<TrainingIdentity> _identity;

    /// <summary>A training with a head that is ready to run.</summary>
    /// <param name="backbone">The frozen model; it stays the caller's.</param>
    /// <param name="method">The soft prompt.</param>
    /// <param name="task">What the head predicts.</param>
    /// <param name="outputs">The number of classes, or 1 for regression.</param>
    /// <param name="train">The training rows.</param>
    /// <param name="validation">The validation rows, or null.</param>
    /// <param name="settings">How it is trained.</param>
    /// <param name="observer">Who is told.</param>
    /// <param name="random">Draws the order of the rows.</param>
    public SoftPromptTrainer(
        PretrainedModel backbone, MethodSettings method, PredictionTask task, int outputs,
        TokenizedRows train, TokenizedRows? validation, TrainingSettings settings, TrainingObserver observer, Random random)
    {
        (_backbone, _observer) = (backbone, observer);
        using var initial = InitialAdapter.Open(settings.InitialAdapter, backbone, method);
        _initializer = new Initializer(settings.Seed, backbone.Frozen.Backbone.Device);
        var trainee = CreateTrainee(backbone, method, ResolvePooling(backbone, settings), outputs, train, settings, _initializer);
        var headTask = new HeadTask(trainee, task, train, validation, LearningRate(method, settings), settings);
        initial?.Start(trainee.SoftPrompt);
        if (initial?.Start(trainee.Head, task, settings.LabelNames, observer.Log) == true)
            headTask.StandardizeHead();
        _task = headTask;
        _bake = () => Bake(trainee, method, backbone, task, settings);
        Session = new TrainingSession(_task, settings, observer, random);
        _identity = new Lazy<TrainingIdentity>(() => TrainingIdentity.Of(backbone, method, settings,
        [
            new("Task", task.ToString()), new("Outputs", outputs.ToString(CultureInfo.InvariantCulture)),
            new("Training set", train.Fingerprint()), new("Validation set", validation?.Fingerprint() ?? "none"),
        ]));
    }

    /// <summary>A training of any task that is ready to run.</summary>
    /// <param name="backbone">The frozen model; it stays the caller's.</param>
    /// <param name="task">What is learnt; the trainer's from now on.</param>
    /// <param name="bake">The adapter of what is learnt, as it is.</param>
    /// <param name="initializer">What the task draws from; the trainer's from now on.</param>
    /// <param name="identity">What the training is of.</param>
    /// <param name="settings">How it is trained.</param>
    /// <param name="observer">Who is told.</param>
    /// <param name="random">Draws the order of the rows.</param>
    public SoftPromptTrainer(
        PretrainedModel backbone, TrainingTask task, Func<Adapter> bake, Initializer initializer, Lazy<TrainingIdentity> identity,
        TrainingSettings settings, TrainingObserver observer, Random random)
    {
        (_backbone, _task, _bake, _initializer, _identity, _observer) = (backbone, task, bake, initializer, identity, observer);
        Session = new TrainingSession(task, settings, observer, random);
    }

    /// <summary>The training itself.</summary>
    public TrainingSession Session { get; }

    /// <summary>Trains from the first epoch to the last.</summary>
    /// <param name="backbone">The frozen model; it stays the caller's.</param>
    /// <param name="method">The soft prompt.</param>
    /// <param name="task">What the head predicts.</param>
    /// <param name="outputs">The number of classes, or 1 for regression.</param>
    /// <param name="train">The training rows.</param>
    /// <param name="validation">The validation rows, or null.</param>
    /// <param name="settings">How it is trained.</param>
    /// <param name="observer">Who is told.</param>
    /// <param name="checkpointDirectory">
    /// Where the training is saved after every epoch, and resumed if it was interrupted; null for nowhere. The checkpoint is removed in the end.
    /// </param>
    public static (PeftModel Model, TrainingHistory History) Train(
        PretrainedModel backbone, MethodSettings method, PredictionTask task, int outputs,
        LabeledTexts train, LabeledTexts? validation, TrainingSettings settings, TrainingObserver observer, string? checkpointDirectory = null)
    {
        using var scope = NewDisposeScope();
        var random = new Random(settings.Seed);
        var (rows, held) = Tokenize(backbone, method, task, train, validation, settings, observer, random);
        using var trainer = new SoftPromptTrainer(backbone, method, task, outputs, rows, held, settings, observer, random);
        return trainer.Run(checkpointDirectory);
    }

    /// <summary>The training and the validation rows as tokens; validation rows are held out if none are given and the settings ask for some.</summary>
    public static (TokenizedRows Train, TokenizedRows? Validation) Tokenize(
        PretrainedModel backbone, MethodSettings method, PredictionTask task, LabeledTexts train, LabeledTexts? validation,
        TrainingSettings settings, TrainingObserver observer, Random random)
    {
        if (backbone.Frozen.Backbone is EncoderDecoder)
        {
            throw new NotSupportedException(
                $"The model '{backbone.Name}' is an encoder–decoder ({backbone.Configuration.ModelType}), which writes and neither classifies nor regresses; take an encoder or a decoder.");
        }
        int maxTokens = MaxTokens(backbone, method, settings);
        var rows = TokenizedRows.Create(backbone, train, maxTokens, observer.CheckCancelled);
        var held = validation is null ? null : TokenizedRows.Create(backbone, validation, maxTokens, observer.CheckCancelled);
        LogTruncated(observer, rows.Truncated + (held?.Truncated ?? 0), maxTokens);
        return held is null && settings.ValidationFraction > 0 ? HoldOutRows(rows, task, settings, random, observer) : (rows, held);
    }

    /// <summary>Trains from the first epoch, or where it was interrupted, to the last; the model is the caller's.</summary>
    /// <param name="checkpointDirectory">Where the training is saved after every epoch; null for nowhere. The checkpoint is removed in the end.</param>
    public (PeftModel Model, TrainingHistory History) Run(string? checkpointDirectory)
    {
        if (checkpointDirectory is null)
            Session.RunEpochs();
        else
            RunEpochs(checkpointDirectory);
        var result = Finish();
        if (checkpointDirectory is not null)
            RemoveCheckpoint(checkpointDirectory);
        return result;
    }

    /// <summary>Writes all that is needed to go on; see <see cref="TrainingSession.Save"/>.</summary>
    public void Save(string directory) => Session.Save(directory, _identity.Value);

    /// <summary>Goes on where <see cref="Save"/> was called; see <see cref="TrainingSession.Resume"/>.</summary>
    public void Resume(string directory) => Session.Resume(directory, _identity.Value);

    /// <summary>What the frozen model reaches on the validation rows without a soft prompt; see <see cref="TrainingTask.Baseline"/>.</summary>
    /// <param name="checkCancelled">Called before each batch.</param>
    public double Baseline(Action checkCancelled) => _task.Baseline(checkCancelled);

    /// <summary>Ends the training; the model is the caller's.</summary>
    public (PeftModel Model, TrainingHistory History) Finish()
    {
        var history = Session.Finish();
        LogOutcome(history);
        return (new PeftModel(_backbone, _bake()), history);
    }

    public void Dispose()
    {
        Session.Dispose();
        _task.Dispose();
        _initializer.Dispose();
    }

    /// <summary>The learning rates that the methods learn well with.</summary>
    public static double LearningRate(MethodSettings method, TrainingSettings settings) => settings.LearningRate ?? method switch
    {
        PrefixTuningSettings { Projection: true } => 1e-3,
        PTuningSettings => 3e-3,
        _ => 3e-2,
    };

    internal static int MaxTokens(PretrainedModel backbone, MethodSettings method, TrainingSettings settings)
    {
        int positions = backbone.Configuration.MaxPositions, left = positions - method.VirtualTokens;
        if (left < FewestTextTokens)
        {
            throw new ArgumentOutOfRangeException(
                nameof(method), $"{method.VirtualTokens} virtual tokens leave {Math.Max(0, left)} of the model's {positions} positions for the text; use at most {positions - FewestTextTokens}.");
        }
        if (settings.MaxTokens > left)
        {
            throw new ArgumentOutOfRangeException(
                nameof(settings), $"MaxTokens = {settings.MaxTokens} and {method.VirtualTokens} virtual tokens do not fit the model's {positions} positions; use at most {left} tokens, or null.");
        }
        return settings.MaxTokens ?? left;
    }

    private static Pooling ResolvePooling(PretrainedModel backbone, TrainingSettings settings)
    {
        if (settings.Pooling == Pooling.Cls && backbone.Frozen.Head.ReadsLastToken)
            throw new ArgumentException("Pooling.Cls reads the first token, which in a decoder sees nothing of the text; use Pooling.Auto or Pooling.Mean.");
        return settings.Pooling == Pooling.Auto ? backbone.Frozen.Pooling : settings.Pooling;
    }

    internal static (TokenizedRows Train, TokenizedRows? Validation) HoldOutRows(
        TokenizedRows rows, PredictionTask task, TrainingSettings settings, Random random, TrainingObserver observer)
    {
        var (train, validation) = HoldOut.Split(rows.Labels, task == PredictionTask.Regression, settings.ValidationFraction, random);
        // R² of values that are all the same is undefined.
        bool comparable = task != PredictionTask.Regression || validation.Select(row => rows.Labels[row]).Distinct().Skip(1).Any();
        if (validation.Length == 0 || !comparable)
        {
            observer.Log($"With {rows.Count} rows none are held out for validation: the last epoch is kept, and no linear probe is compared.");
            return (rows, null);
        }
        observer.Log($"{validation.Length} of {rows.Count} rows are held out for validation.");
        return (rows.Select(train), rows.Select(validation));
    }

    internal static Trainee CreateTrainee(
        PretrainedModel backbone, MethodSettings method, Pooling pooling, int outputs, TokenizedRows rows, TrainingSettings settings, Initializer initializer)
    {
        using var scope = NewDisposeScope();
        var transformer = backbone.Frozen.Backbone;
        var order = initializer.Sample(rows.Count, rows.Count);
        var source = new InitializationSource(
            transformer, text => backbone.Words.Encode(text).Ids, backbone.Words.SpecialIds, order.Select(row => rows.Texts[row].Ids), settings.LabelNames);
        var softPrompt = SoftPromptFactory.Create(method, source, initializer);
        var layout = Adapter.Layout(pooling, backbone.Frozen);
        var values = SequenceHead.Initialize(layout, transformer.Configuration.HiddenSize, outputs, initializer);
        return new Trainee(transformer, softPrompt, Adapter.CreateHead(pooling, backbone.Frozen, values));
    }

    private void RunEpochs(string checkpointDirectory)
    {
        if (TrainingCheckpoint.ExistsIn(checkpointDirectory))
        {
            Resume(checkpointDirectory);
            _observer.Log($"Training goes on after epoch {Session.Epochs.Count} of {Session.MaxEpochs}, from '{checkpointDirectory}'.");
        }
        // Also before the first epoch: a directory that cannot be written is better known now than after hours.
        Save(checkpointDirectory);
        while (!Session.Ended)
        {
            Session.RunEpoch();
            Save(checkpointDirectory);
        }
    }

    /// <summary>A trained model is worth more than a tidy directory.</summary>
    private void RemoveCheckpoint(string directory)
    {
        try
        {
            TrainingCheckpoint.Delete(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _observer.Log($"The checkpoint in '{directory}' is no longer needed but could not be removed: {e.Message}");
        }
    }

    private static Adapter Bake(Trainee trainee, MethodSettings method, PretrainedModel backbone, PredictionTask task, TrainingSettings settings)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var prompt = trainee.SoftPrompt.Compute().detach().clone().DetachFromDisposeScope();
        var head = Adapter.CreateHead(trainee.Head.Pooling, backbone.Frozen, trainee.Head.Parameters.ToDictionary(p => p.Key, p => (Tensor)p.Value));
        var description = new HeadDescription { Task = task, Pooling = head.Pooling, Labels = settings.LabelNames, MaxTokens = settings.MaxTokens };
        return new Adapter(AdapterConfigurations.Create(method, backbone, head.Pooling), prompt, head, description) { State = SoftPromptState.Of(trainee.SoftPrompt) };
    }

    internal static void LogTruncated(TrainingObserver observer, int truncated, int maxTokens)
    {
        if (truncated > 0)
            observer.Log($"{truncated} {(truncated == 1 ? "text was" : "texts were")} longer than {maxTokens} tokens and cut.");
    }

    private void LogOutcome(TrainingHistory history)
    {
        var (baseline, whose) = history.BaseValidationLoss is { } loss ? (loss, "the frozen model's own") : (history.ProbeValidationMetric, "the linear probe's");
        if (history.ValidationMetric is not { } metric || baseline is not { } other)
            return;
        string verdict = metric == other ? "equal to" : Invariant($"{Math.Abs(metric - other):0.0000} {(_task.Better(metric, other) ? "better" : "worse")} than");
        string written = history.ValidationRougeL is { } rougeL ? Invariant($", ROUGE-L {rougeL:0.0000}") : "";
        _observer.Log(Invariant($"Kept epoch {history.BestEpoch}: validation {history.MetricName} {metric:0.0000}{written}, {verdict} {whose} {other:0.0000}."));
    }
}
