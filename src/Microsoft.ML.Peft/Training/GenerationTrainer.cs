using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>Makes trainings that teach a frozen language model to write: from texts and targets to a <see cref="SoftPromptTrainer"/>.</summary>
internal static class GenerationTrainer
{
    /// <summary>Trains from the first epoch, or where it was interrupted, to the last.</summary>
    /// <param name="backbone">The frozen model; it stays the caller's.</param>
    /// <param name="method">The soft prompt.</param>
    /// <param name="train">The training rows.</param>
    /// <param name="validation">The validation rows, or null.</param>
    /// <param name="settings">How it is trained, and how it will write.</param>
    /// <param name="observer">Who is told.</param>
    /// <param name="checkpointDirectory">See <see cref="SoftPromptTrainer.Run"/>.</param>
    public static (PeftModel Model, TrainingHistory History) Train(
        PretrainedModel backbone, MethodSettings method, TargetTexts train, TargetTexts? validation, TrainingSettings settings, TrainingObserver observer,
        string? checkpointDirectory = null)
    {
        using var scope = NewDisposeScope();
        var random = new Random(settings.Seed);
        var (rows, held) = Tokenize(backbone, method, train, validation, settings, observer, random);
        using var trainer = Create(backbone, method, rows, held, settings, observer, random);
        return trainer.Run(checkpointDirectory);
    }

    /// <summary>The training and the validation rows as tokens; validation rows are held out if none are given and the settings ask for some.</summary>
    public static (IReadOnlyList<GenerationRow> Train, IReadOnlyList<GenerationRow>? Validation) Tokenize(
        PretrainedModel backbone, MethodSettings method, TargetTexts train, TargetTexts? validation, TrainingSettings settings, TrainingObserver observer, Random random)
    {
        if (backbone.Frozen.Backbone is not LanguageModel)
        {
            throw new NotSupportedException(
                $"The model '{backbone.Name}' is an encoder ({backbone.Configuration.ModelType}) and cannot write; for generation use a decoder, such as the embedded SmolLM2-135M-Instruct. " +
                "For classes, put Conversion.MapValueToKey before this estimator.");
        }
        int maxTokens = SoftPromptTrainer.MaxTokens(backbone, method, settings);
        var template = Template(settings, backbone, train.SecondTexts is not null);
        CheckRoomToWrite(backbone, method, settings, template);
        var rows = GenerationRows.Create(backbone, template, train, maxTokens, observer.CheckCancelled);
        var held = validation is null ? null : GenerationRows.Create(backbone, template, validation, maxTokens, observer.CheckCancelled);
        LogLengths([.. rows, .. held ?? []], maxTokens, settings.Generation.MaxNewTokens, observer);
        return held is null && settings.ValidationFraction > 0 ? HoldOutRows(rows, settings, random, observer) : (rows, held);
    }

    /// <summary>A training that is ready to run.</summary>
    /// <param name="backbone">The frozen decoder; it stays the caller's.</param>
    /// <param name="method">The soft prompt, which starts from the first training rows.</param>
    /// <param name="train">The training rows.</param>
    /// <param name="validation">The validation rows, or null.</param>
    /// <param name="settings">How it is trained, and how it will write.</param>
    /// <param name="observer">Who is told.</param>
    /// <param name="random">Draws the order of the rows.</param>
    public static SoftPromptTrainer Create(
        PretrainedModel backbone, MethodSettings method, IReadOnlyList<GenerationRow> train, IReadOnlyList<GenerationRow>? validation,
        TrainingSettings settings, TrainingObserver observer, Random random)
    {
        using var initial = InitialAdapter.Open(settings.InitialAdapter, backbone, method);
        var initializer = new Initializer(settings.Seed, backbone.Frozen.Backbone.Device);
        var source = new InitializationSource(
            backbone.Frozen.Backbone, text => backbone.Words.Encode(text).Ids, backbone.Words.SpecialIds,
            train.Select(row => backbone.Frozen.Backbone is EncoderDecoder ? row.Prompt.Ids : [.. row.Prompt.Ids, .. row.Target]), settings.LabelNames)
        {
            TrainingPairs = train.Select(row => (row.Prompt.Ids, row.Target)),
        };
        var softPrompt = SoftPromptFactory.Create(method, source, initializer);
        initial?.Start(softPrompt);
        var description = new GenerationDescription
        {
            PromptTemplate = train[0].Prompt.Template,
            MaxTokens = settings.MaxTokens,
            Options = settings.Generation,
        };
        Adapter Bake()
        {
            using var frozen = no_grad();
            using var scope = NewDisposeScope();
            var prompt = softPrompt.Compute().detach().clone().DetachFromDisposeScope();
            return new Adapter(AdapterConfigurations.Create(method, backbone, head: null), prompt, null, null, description) { State = SoftPromptState.Of(softPrompt) };
        }
        var task = new GenerationTask(backbone, softPrompt, method.VirtualTokens, train, validation, LearningRate(method, backbone.Frozen.Backbone, settings), settings.Generation);
        var identity = new Lazy<TrainingIdentity>(() => TrainingIdentity.Of(backbone, method, settings,
        [
            new("Task", nameof(PredictionTask.Generation)), new("Template", description.PromptTemplate),
            new("Training set", GenerationRows.Fingerprint(train)), new("Validation set", validation is null ? "none" : GenerationRows.Fingerprint(validation)),
        ]));
        return new SoftPromptTrainer(backbone, task, Bake, initializer, identity, settings, observer, random);
    }

    /// <summary>The learning rates that the methods learn writing well with.</summary>
    public static double LearningRate(MethodSettings method, Backbone backbone, TrainingSettings settings) => LearningRate(method, backbone is EncoderDecoder, settings);

    /// <summary>The same where the frozen model is not loaded yet.</summary>
    public static double LearningRate(MethodSettings method, bool encoderDecoder, TrainingSettings settings) => settings.LearningRate ?? method switch
    {
        // T5's token embeddings are large numbers; this is the rate of Lester et al. 2021, section 3.
        PromptTuningSettings when encoderDecoder => 0.3,
        PromptTuningSettings => 5e-2,
        _ => SoftPromptTrainer.LearningRate(method, settings),
    };

    private static PromptTemplate Template(TrainingSettings settings, PretrainedModel backbone, bool pairs) =>
        PromptTemplate.Parse(settings.PromptTemplate ?? PromptTemplate.Default(pairs, continued: ((LanguageModel)backbone.Frozen.Backbone).Continues));

    private static void CheckRoomToWrite(PretrainedModel backbone, MethodSettings method, TrainingSettings settings, PromptTemplate template)
    {
        int positions = backbone.Configuration.MaxPositions, left = positions - method.VirtualTokens - settings.Generation.MaxNewTokens;
        int least = Math.Max(1, template.Fit(backbone.Words, "", template.TakesPairs ? "" : null, int.MaxValue).Ids.Count);
        if (left >= least)
            return;
        throw new ArgumentOutOfRangeException(
            nameof(settings), $"MaxNewTokens = {settings.Generation.MaxNewTokens} and {method.VirtualTokens} virtual tokens leave {Math.Max(0, left)} of the model's {positions} positions for the prompt, " +
            $"whose template alone takes {least}; write fewer tokens, or use fewer virtual tokens.");
    }

    private static (IReadOnlyList<GenerationRow> Train, IReadOnlyList<GenerationRow>? Validation) HoldOutRows(
        IReadOnlyList<GenerationRow> rows, TrainingSettings settings, Random random, TrainingObserver observer)
    {
        var (train, validation) = HoldOut.Split(new float[rows.Count], regression: true, settings.ValidationFraction, random);
        if (validation.Length == 0)
        {
            observer.Log($"With {rows.Count} rows none are held out for validation: the last epoch is kept, and the frozen model's own loss is not compared.");
            return (rows, null);
        }
        observer.Log($"{validation.Length} of {rows.Count} rows are held out for validation.");
        return ([.. train.Select(row => rows[row])], [.. validation.Select(row => rows[row])]);
    }

    private static void LogLengths(IReadOnlyList<GenerationRow> rows, int maxTokens, int maxNewTokens, TrainingObserver observer)
    {
        void Log(Func<GenerationRow, bool> concerned, string what)
        {
            int count = rows.Count(concerned);
            if (count > 0)
                observer.Log($"{count} of {rows.Count} {what}.");
        }
        Log(row => row.Prompt.Truncated, $"texts were cut, because prompt and text to write together were longer than {maxTokens} tokens");
        Log(row => row.TargetTruncated, $"texts to write were cut and lost their end, because they alone left no room for a prompt in {maxTokens} tokens");
        Log(row => row.Target.Length > maxNewTokens, $"texts to write are longer than MaxNewTokens = {maxNewTokens}: the model will not write such texts to their end");
    }
}
