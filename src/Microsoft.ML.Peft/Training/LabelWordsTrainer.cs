using System.Globalization;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>Makes trainings that teach a frozen language model to classify by label words: from labelled texts to a <see cref="SoftPromptTrainer"/>.</summary>
internal static class LabelWordsTrainer
{
    /// <summary>Trains from the first epoch, or where it was interrupted, to the last.</summary>
    /// <param name="backbone">The frozen decoder; it stays the caller's.</param>
    /// <param name="method">The soft prompt.</param>
    /// <param name="task">Multiclass or binary.</param>
    /// <param name="train">The training rows.</param>
    /// <param name="validation">The validation rows, or null.</param>
    /// <param name="settings">How it is trained, with label names, words and the template.</param>
    /// <param name="observer">Who is told.</param>
    /// <param name="checkpointDirectory">See <see cref="SoftPromptTrainer.Run"/>.</param>
    public static (PeftModel Model, TrainingHistory History) Train(
        PretrainedModel backbone, MethodSettings method, PredictionTask task, LabeledTexts train, LabeledTexts? validation,
        TrainingSettings settings, TrainingObserver observer, string? checkpointDirectory = null)
    {
        using var scope = NewDisposeScope();
        var random = new Random(settings.Seed);
        settings = WithTemplate(settings, train);
        var (rows, held) = Tokenize(backbone, method, task, train, validation, settings, observer, random);
        using var trainer = Create(backbone, method, task, rows, held, settings, observer, random);
        return trainer.Run(checkpointDirectory);
    }

    /// <summary>With the template, which is the same for training and validation rows, and saved with the adapter.</summary>
    public static TrainingSettings WithTemplate(TrainingSettings settings, LabeledTexts rows)
        => settings with { PromptTemplate = settings.PromptTemplate ?? PromptTemplate.Default(pairs: rows.SecondTexts is not null, continued: true) };

    /// <summary>The rows in their template, as tokens; validation rows are held out if none are given and the settings ask for some.</summary>
    public static (TokenizedRows Train, TokenizedRows? Validation) Tokenize(
        PretrainedModel backbone, MethodSettings method, PredictionTask task, LabeledTexts train, LabeledTexts? validation,
        TrainingSettings settings, TrainingObserver observer, Random random)
    {
        if (backbone.Frozen.Backbone is not Decoder)
        {
            throw new NotSupportedException(
                $"Head is LabelWords, but the model '{backbone.Name}' ({backbone.Configuration.ModelType}) is no decoder, whose output layer could score them; " +
                "use one, such as the embedded SmolLM2-135M-Instruct, or Head = Trained.");
        }
        int maxTokens = SoftPromptTrainer.MaxTokens(backbone, method, settings);
        var template = PromptTemplate.Parse(settings.PromptTemplate!);
        var rows = Encode(backbone, template, train, maxTokens, observer.CheckCancelled);
        var held = validation is null ? null : Encode(backbone, template, validation, maxTokens, observer.CheckCancelled);
        SoftPromptTrainer.LogTruncated(observer, rows.Truncated + (held?.Truncated ?? 0), maxTokens);
        return held is null && settings.ValidationFraction > 0 ? SoftPromptTrainer.HoldOutRows(rows, task, settings, random, observer) : (rows, held);
    }

    /// <summary>A training that is ready to run.</summary>
    /// <param name="backbone">The frozen decoder; it stays the caller's.</param>
    /// <param name="method">The soft prompt, which starts from training rows with their words.</param>
    /// <param name="task">Multiclass or binary.</param>
    /// <param name="train">The training rows.</param>
    /// <param name="validation">The validation rows, or null.</param>
    /// <param name="settings">How it is trained, with label names and words.</param>
    /// <param name="observer">Who is told.</param>
    /// <param name="random">Draws the order of the rows.</param>
    public static SoftPromptTrainer Create(
        PretrainedModel backbone, MethodSettings method, PredictionTask task, TokenizedRows train, TokenizedRows? validation,
        TrainingSettings settings, TrainingObserver observer, Random random)
    {
        IReadOnlyList<string> names = settings.LabelNames!, words = settings.LabelWords!;
        using var initial = InitialAdapter.Open(settings.InitialAdapter, backbone, method);
        var scorer = LabelWords.Create(backbone, words);
        var initializer = new Initializer(settings.Seed, backbone.Frozen.Backbone.Device);
        int[] order = initializer.Sample(train.Count, train.Count);
        var source = new InitializationSource(
            backbone.Frozen.Backbone, text => backbone.Words.Encode(text).Ids, backbone.Words.SpecialIds,
            order.Select(row => (IReadOnlyList<int>)[.. train.Texts[row].Ids, .. backbone.Words.EncodeToIds(words[(int)train.Labels[row]])]), names);
        var softPrompt = SoftPromptFactory.Create(method, source, initializer);
        initial?.Start(softPrompt);
        var labelWords = new LabelWordsTask(
            backbone.Frozen.Backbone, softPrompt, scorer, task, train, validation, SoftPromptTrainer.LearningRate(method, settings), settings.LabelSmoothing);
        Adapter Bake()
        {
            using var frozen = no_grad();
            using var scope = NewDisposeScope();
            var description = new LabelWordsDescription
            {
                Task = task,
                PromptTemplate = settings.PromptTemplate!,
                MaxTokens = settings.MaxTokens,
                Labels = names,
                Words = words,
                Scale = labelWords.Scale,
            };
            var prompt = softPrompt.Compute().detach().clone().DetachFromDisposeScope();
            return new Adapter(AdapterConfigurations.Create(method, backbone, head: null), prompt, null, null) { LabelWords = description, State = SoftPromptState.Of(softPrompt) };
        }
        var identity = new Lazy<TrainingIdentity>(() => TrainingIdentity.Of(backbone, method, settings,
        [
            new("Task", $"{task} by label words"), new("Outputs", words.Count.ToString(CultureInfo.InvariantCulture)),
            new("Training set", train.Fingerprint()), new("Validation set", validation?.Fingerprint() ?? "none"),
        ]));
        return new SoftPromptTrainer(backbone, labelWords, Bake, initializer, identity, settings, observer, random);
    }

    private static TokenizedRows Encode(PretrainedModel backbone, PromptTemplate template, LabeledTexts rows, int maxTokens, Action checkCancelled)
    {
        var texts = new TokenizedText[rows.Count];
        for (int row = 0; row < texts.Length; row++)
        {
            if (row % 1000 == 0)
                checkCancelled();
            texts[row] = template.Fit(backbone.Words, rows.Texts[row], rows.SecondTexts?[row], maxTokens).Tokens;
        }
        return new TokenizedRows(texts, [.. rows.Labels]);
    }
}
