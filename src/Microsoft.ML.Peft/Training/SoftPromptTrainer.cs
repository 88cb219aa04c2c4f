using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using static System.FormattableString;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>Callbacks of a running training. All are called on the training thread.</summary>
/// <param name="Progress">After every step.</param>
/// <param name="Log">A line for the user's log.</param>
/// <param name="CheckCancelled">Before every step; throws <see cref="OperationCanceledException"/> to stop.</param>
internal sealed record TrainingObserver(Action<TrainingProgress> Progress, Action<string> Log, Action CheckCancelled);

/// <summary>Trains a soft prompt and a head on a frozen backbone: from labelled texts to a <see cref="PeftModel"/>.</summary>
internal static class SoftPromptTrainer
{
    private const int FewestTextTokens = 3;     // [CLS], a token, [SEP]

    public static (PeftModel Model, TrainingHistory History) Train(
        PretrainedModel backbone, MethodSettings method, PredictionTask task, int outputs,
        LabeledTexts train, LabeledTexts? validation, TrainingSettings settings, TrainingObserver observer)
    {
        using var scope = NewDisposeScope();
        int maxTokens = MaxTokens(backbone, method, settings);
        var pooling = ResolvePooling(backbone, settings);
        var random = new Random(settings.Seed);
        var rows = TokenizedRows.Create(backbone, train, maxTokens, observer.CheckCancelled);
        var held = validation is null ? null : TokenizedRows.Create(backbone, validation, maxTokens, observer.CheckCancelled);
        LogTruncated(observer, rows.Truncated + (held?.Truncated ?? 0), maxTokens);
        if (held is null && settings.ValidationFraction > 0)
            (rows, held) = HoldOutRows(rows, task, settings, random, observer);

        var scale = task == PredictionTask.Regression ? LabelScale.Of(rows.Labels, Adapter.Layout(pooling, backbone.Frozen).OutputBias) : LabelScale.None;
        rows = rows with { Labels = scale.Standardize(rows.Labels) };
        held = held is null ? null : held with { Labels = scale.Standardize(held.Labels) };

        using var initializer = new Initializer(settings.Seed, backbone.Frozen.Backbone.Device);
        using var trainee = CreateTrainee(backbone, method, pooling, outputs, rows, settings, initializer);
        double? probe = held is null ? null : LinearProbe.Evaluate(backbone.Frozen.Backbone, pooling, Adapter.Layout(pooling, backbone.Frozen), task, outputs, rows, held, observer.CheckCancelled);

        var loop = new TrainingLoop(trainee, task, rows, held, settings, LearningRate(method, settings), observer, random);
        var history = loop.Run(probe);
        LogOutcome(history, observer);

        scale.Restore(trainee.Head);
        var description = new HeadDescription { Task = task, Pooling = pooling, Labels = settings.LabelNames, MaxTokens = settings.MaxTokens };
        return (new PeftModel(backbone, Bake(trainee, method, backbone, description)), history);
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

    private static (TokenizedRows Train, TokenizedRows? Validation) HoldOutRows(
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

    private static Adapter Bake(Trainee trainee, MethodSettings method, PretrainedModel backbone, HeadDescription description)
    {
        using var frozen = no_grad();
        var prompt = trainee.SoftPrompt.Compute().detach().clone().DetachFromDisposeScope();
        var head = Adapter.CreateHead(description.Pooling, backbone.Frozen, trainee.Head.Parameters.ToDictionary(p => p.Key, p => (Tensor)p.Value));
        return new Adapter(AdapterConfigurations.Create(method, backbone, head.Pooling), prompt, head, description);
    }

    private static void LogTruncated(TrainingObserver observer, int truncated, int maxTokens)
    {
        if (truncated > 0)
            observer.Log($"{truncated} {(truncated == 1 ? "text was" : "texts were")} longer than {maxTokens} tokens and cut.");
    }

    private static void LogOutcome(TrainingHistory history, TrainingObserver observer)
    {
        if (history.ImprovementOverProbe is not { } improvement)
            return;
        string verdict = improvement > 0 ? Invariant($"{improvement:0.0000} better than") : improvement < 0 ? Invariant($"{-improvement:0.0000} worse than") : "equal to";
        observer.Log(Invariant(
            $"Kept epoch {history.BestEpoch}: validation {history.MetricName} {history.ValidationMetric:0.0000}, {verdict} the linear probe's {history.ProbeValidationMetric:0.0000}."));
    }
}
