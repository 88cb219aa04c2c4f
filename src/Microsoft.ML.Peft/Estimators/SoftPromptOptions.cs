using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Estimators;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Training;
using Microsoft.ML.SearchSpace;

namespace Microsoft.ML.Peft;

/// <summary>What all three methods share: columns, the frozen model, and how its soft prompt is trained.</summary>
public abstract class SoftPromptOptions
{
    private protected SoftPromptOptions() { }

    /// <summary>
    /// The label column; its type decides the task: Key (multiclass classification), Boolean (binary classification), Single (regression) or
    /// Text (generation: the text to write). Default `Label`.
    /// </summary>
    public string LabelColumnName { get; set; } = "Label";

    /// <summary>The text column. Default `Text`.</summary>
    public string TextColumnName { get; set; } = "Text";

    /// <summary>A second text column for pairs (question and answer, premise and hypothesis). Default null: none.</summary>
    public string? SecondTextColumnName { get; set; }

    /// <summary>The output column of predicted classes (Key or Boolean). Default `PredictedLabel`.</summary>
    public string PredictedLabelColumnName { get; set; } = "PredictedLabel";

    /// <summary>The output column of class probabilities, of the logit (binary) or of the value (regression). Default `Score`.</summary>
    public string ScoreColumnName { get; set; } = "Score";

    /// <summary>The output column of the probability of `true` in binary classification. Default `Probability`.</summary>
    public string ProbabilityColumnName { get; set; } = "Probability";

    /// <summary>The output column of written texts in generation. Default `GeneratedText`.</summary>
    public string GeneratedTextColumnName { get; set; } = ColumnNames.DefaultGeneratedText;

    /// <summary>
    /// The frozen model: a directory in Hugging Face layout (`config.json`, `model.safetensors`, `tokenizer.json`), a `.gguf` file,
    /// the name of an embedded model, or `owner/name`, `owner/name@revision` or `owner/name:file.gguf` on the Hugging Face hub, see
    /// <see cref="PretrainedModel.FromHubAsync(string, IProgress{DownloadProgress}?, CancellationToken)"/>. Default null: the embedded `all-MiniLM-L6-v2`.
    /// </summary>
    public string? Model { get; set; }

    /// <summary>The number of virtual tokens P, at least 1. Together with the text they must fit the model's positions. Default 20.</summary>
    [Range(4, 128, 20, true)]
    public int VirtualTokens { get; set; } = 20;

    /// <summary>
    /// Longer texts are cut to this many tokens, special tokens included; at least 3. In generation it counts the prompt and the text to write
    /// together, and the prompt is cut first. Default null: what the model's positions leave beside the virtual tokens.
    /// </summary>
    public int? MaxTokens { get; set; }

    /// <summary>How hidden states become one vector per text, for a trained head. Default <see cref="Pooling.Auto"/>.</summary>
    public Pooling Pooling { get; set; } = Pooling.Auto;

    /// <summary>The number format of the frozen weights. Default <see cref="Precision.Auto"/>.</summary>
    public Precision Precision { get; set; } = Precision.Auto;

    /// <summary>
    /// Passes over the training rows, at least 1. Default null: 5, and more where that would be fewer than 300 steps, because the
    /// number of steps decides how far a soft prompt gets; in generation 1, and more where that would be fewer than 80 steps.
    /// </summary>
    public int? MaxEpochs { get; set; }

    /// <summary>Rows per training step, at least 1. Default null: 32, in generation 4: there every token to write is an example.</summary>
    /// <remarks>
    /// Where it is null, a batch that memory does not suffice for is computed in parts, whose gradients are added up: the step stays that of the whole batch.
    /// </remarks>
    [Range(8, 64, 32, true)]
    public int? BatchSize { get; set; }

    /// <summary>
    /// Whether training computes each layer's inside again for its gradients instead of keeping it (Chen et al. 2016): a step takes a fraction of the
    /// memory and about half as much time again, and its result is the same. Default false.
    /// </summary>
    public bool GradientCheckpointing { get; set; }

    /// <summary>
    /// The soft prompt's highest learning rate (AdamW), above 0 and at most 1000. Default null: the method's own, which its options class states.
    /// </summary>
    [Range(1e-4, 0.3, 0.01, true)]
    public double? LearningRate { get; set; }

    /// <summary>A trained head's highest learning rate (AdamW), above 0 and at most 1000. Default 0.01.</summary>
    [Range(1e-3, 0.03, 0.01, true)]
    public double HeadLearningRate { get; set; } = 1e-2;

    /// <summary>Decoupled weight decay (AdamW), at least 0. Default 0.</summary>
    public double WeightDecay { get; set; }

    /// <summary>
    /// The part of each training target that is spread over all classes (Szegedy et al. 2016), 0 to 1; regression and generation have none. Default 0.1.
    /// </summary>
    /// <remarks>
    /// It keeps few rows from being learned by heart. What it takes from the probabilities is given back afterwards: they are calibrated
    /// on the validation rows by one temperature (Guo et al. 2017).
    /// </remarks>
    [Range(0.0, 0.2, 0.1)]
    public double LabelSmoothing { get; set; } = 0.1;

    /// <summary>How the learning rates fall after the warm-up. Default <see cref="LearningRateSchedule.Linear"/>.</summary>
    public LearningRateSchedule Schedule { get; set; } = LearningRateSchedule.Linear;

    /// <summary>The fraction of all steps in which the learning rates rise from zero, 0 to 1. Default 0.06.</summary>
    [Range(0.0, 0.3, 0.06)]
    public double WarmUpFraction { get; set; } = 0.06;

    /// <summary>The gradient is scaled down to this norm, over soft prompt and head together; above 0. Default 1.</summary>
    public double MaxGradientNorm { get; set; } = 1;

    /// <summary>
    /// Rows to validate on after each epoch: the best epoch is kept, and the linear probe is compared, in generation the frozen model's own loss. They need the same columns.
    /// Default null: <see cref="ValidationFraction"/> of the training rows is held out.
    /// </summary>
    public IDataView? ValidationSet { get; set; }

    /// <summary>
    /// The part of the training rows held out when there is no <see cref="ValidationSet"/>, 0 to 0.5, but no more than about 500 rows; 0 trains
    /// on all rows, keeps the last epoch and compares with nothing. Default 0.1.
    /// </summary>
    public double ValidationFraction { get; set; } = 0.1;

    /// <summary>
    /// Training stops after this many epochs without a better validation metric, at least 1. Default null: a third of all epochs, at least 3.
    /// </summary>
    public int? Patience { get; set; }

    /// <summary>
    /// What a language model is given to write on from: a text with the places `{text}`, once, and with a second text column `{second}`, once.
    /// All else stands for itself. Default null: `{text}` and a line break, or `{text}`, `{second}` and a line break behind each; for an
    /// encoder–decoder (T5), which reads the prompt apart from what it writes, without the last line break.
    /// </summary>
    /// <remarks>
    /// For generation, and for classification by <see cref="LabelWords"/>; a trained head reads texts as they are. The rendered template and the
    /// text to write are tokenised separately and joined, because a prediction starts from the template alone. Too long texts are cut at
    /// their ends, and what the template has behind them stays.
    /// </remarks>
    public string? PromptTemplate { get; set; }

    /// <summary>How texts are written in generation. Default: greedily, at most 64 tokens.</summary>
    public GenerationOptions Generation { get; set; } = new();

    /// <summary>What turns the frozen model's answer into classes. Default <see cref="ClassificationHead.Trained"/>.</summary>
    public ClassificationHead Head { get; set; }

    /// <summary>
    /// For <see cref="ClassificationHead.LabelWords"/> the words that each label is scored by, by label name: for a Boolean label `False` and `True`.
    /// Default null, and for labels not in it: the label's name.
    /// </summary>
    /// <remarks>
    /// A class's score is the mean logit of its words' different tokens right behind the rendered <see cref="PromptTemplate"/>, all in one pass.
    /// </remarks>
    public IReadOnlyDictionary<string, string>? LabelWords { get; set; }

    /// <summary>The seed of initialisation and row order. Default null: drawn from the MLContext, whose own seed then decides.</summary>
    public int? Seed { get; set; }

    /// <summary>
    /// A directory that an interrupted training goes on from: its state is written there after every epoch, and removed when training
    /// ends. A later Fit with the same options, rows and frozen model gives the same bits as one that was never interrupted; with
    /// others it is refused. Default null: none.
    /// </summary>
    /// <remarks>
    /// Where <see cref="Seed"/> is null, the interrupted training's own seed is taken. The file is `training_checkpoint.safetensors`, a
    /// few times the size of what is trained.
    /// </remarks>
    public string? CheckpointDirectory { get; set; }

    /// <summary>
    /// An adapter directory to start from, of the same method, number of virtual tokens and frozen model, instead of an initialisation.
    /// Default null: none.
    /// </summary>
    /// <remarks>
    /// Prompt tuning and prefix tuning without projection start from any such adapter, also from one of Hugging Face. P-tuning and a projected
    /// prefix need what <see cref="SoftPromptTransformer.SaveAdapter"/> writes with `includeTrainingState`. The head is taken over if it pools
    /// alike and its classes are the same, else it starts anew, which the log says.
    /// </remarks>
    public string? InitialAdapter { get; set; }

    /// <summary>Is told after every training step where training stands, on the thread that trains: it should return soon. Default null: nobody is.</summary>
    public IProgress<TrainingProgress>? Progress { get; set; }

    /// <summary>Stops the training with an <see cref="OperationCanceledException"/>. Default: none.</summary>
    public CancellationToken CancellationToken { get; set; }

    /// <summary>The method's own settings, checked.</summary>
    internal abstract MethodSettings ToMethodSettings();

    internal ColumnNames ToColumnNames() => new(LabelColumnName, TextColumnName, SecondTextColumnName, PredictedLabelColumnName, ScoreColumnName, ProbabilityColumnName, GeneratedTextColumnName);

    /// <param name="seed">The seed.</param>
    /// <param name="labelNames">The label names in class order, where known.</param>
    /// <param name="writes">Whether the task is generation.</param>
    internal TrainingSettings ToTrainingSettings(int seed, IReadOnlyList<string>? labelNames, bool writes = false) => new()
    {
        MaxTokens = MaxTokens,
        Pooling = Pooling,
        MaxEpochs = MaxEpochs,
        SplitsToFit = BatchSize is null,
        GradientCheckpointing = GradientCheckpointing,
        BatchSize = BatchSize ?? (writes ? TrainingSettings.LanguageModelBatchSize : TrainingSettings.HeadBatchSize),
        LearningRate = LearningRate,
        HeadLearningRate = HeadLearningRate,
        WeightDecay = WeightDecay,
        LabelSmoothing = LabelSmoothing,
        Schedule = Schedule,
        WarmUpFraction = WarmUpFraction,
        MaxGradientNorm = MaxGradientNorm,
        ValidationFraction = ValidationFraction,
        Patience = Patience,
        InitialAdapter = InitialAdapter,
        Seed = seed,
        PromptTemplate = PromptTemplate,
        Generation = Generation,
        LabelNames = labelNames,
        LabelWords = Head == ClassificationHead.LabelWords ? labelNames?.Select(name => LabelWords?.GetValueOrDefault(name) ?? name).ToArray() : null,
    };

    /// <summary>A checked copy, which later changes by the caller do not reach.</summary>
    internal SoftPromptOptions CheckedCopy()
    {
        var copy = (SoftPromptOptions)MemberwiseClone();
        copy.CheckColumns();
        copy.CheckTraining();
        copy.CheckWriting();
        return copy;
    }

    private void CheckColumns()
    {
        OptionChecks.Named(nameof(LabelColumnName), LabelColumnName);
        OptionChecks.Named(nameof(TextColumnName), TextColumnName);
        OptionChecks.NullOrNotEmpty(nameof(SecondTextColumnName), SecondTextColumnName);
        OptionChecks.Named(nameof(PredictedLabelColumnName), PredictedLabelColumnName);
        OptionChecks.Named(nameof(ScoreColumnName), ScoreColumnName);
        OptionChecks.Named(nameof(ProbabilityColumnName), ProbabilityColumnName);
        OptionChecks.Named(nameof(GeneratedTextColumnName), GeneratedTextColumnName);
        if (SecondTextColumnName == TextColumnName)
            throw new ArgumentException($"{nameof(SecondTextColumnName)} is '{SecondTextColumnName}', the same as {nameof(TextColumnName)}; it must be another column.", nameof(SecondTextColumnName));
        if (new[] { PredictedLabelColumnName, ScoreColumnName, ProbabilityColumnName }.Distinct().Count() < 3)
            throw new ArgumentException(
                $"{nameof(PredictedLabelColumnName)}, {nameof(ScoreColumnName)} and {nameof(ProbabilityColumnName)} are '{PredictedLabelColumnName}', " +
                $"'{ScoreColumnName}' and '{ProbabilityColumnName}'; they must be three different columns.", nameof(ScoreColumnName));
    }

    private void CheckWriting()
    {
        OptionChecks.Defined(nameof(Head), Head);
        if (LabelWords is not null && Head != ClassificationHead.LabelWords)
            throw new ArgumentException($"{nameof(LabelWords)} are given, but {nameof(Head)} is {Head}, which does not read them; set it to {nameof(ClassificationHead.LabelWords)}.", nameof(LabelWords));
        ArgumentNullException.ThrowIfNull(Generation);
        Generation.Check();
        if (PromptTemplate is null)
            return;
        bool pairs = Inference.PromptTemplate.Parse(PromptTemplate).TakesPairs;
        if (pairs && SecondTextColumnName is null)
            throw new ArgumentException($"{nameof(PromptTemplate)} '{PromptTemplate}' has a place for a second text, but there is no {nameof(SecondTextColumnName)}; name the column, or take {{second}} out.", nameof(PromptTemplate));
        if (!pairs && SecondTextColumnName is not null)
            throw new ArgumentException($"{nameof(PromptTemplate)} '{PromptTemplate}' has no place for the second text column '{SecondTextColumnName}'; put {{second}} where it goes.", nameof(PromptTemplate));
    }

    private void CheckTraining()
    {
        OptionChecks.NullOrNotEmpty(nameof(Model), Model);
        OptionChecks.AtLeast(nameof(VirtualTokens), VirtualTokens, 1);
        OptionChecks.AtLeast(nameof(MaxTokens), MaxTokens, 3);
        OptionChecks.Defined(nameof(Pooling), Pooling);
        OptionChecks.Defined(nameof(Precision), Precision);
        OptionChecks.AtLeast(nameof(MaxEpochs), MaxEpochs, 1);
        OptionChecks.AtLeast(nameof(BatchSize), BatchSize, 1);
        OptionChecks.LearningRate(nameof(LearningRate), LearningRate);
        OptionChecks.LearningRate(nameof(HeadLearningRate), HeadLearningRate);
        OptionChecks.NotNegative(nameof(WeightDecay), WeightDecay);
        OptionChecks.Between(nameof(LabelSmoothing), LabelSmoothing, 0, 1);
        OptionChecks.Defined(nameof(Schedule), Schedule);
        OptionChecks.Between(nameof(WarmUpFraction), WarmUpFraction, 0, 1);
        OptionChecks.Positive(nameof(MaxGradientNorm), MaxGradientNorm);
        OptionChecks.Between(nameof(ValidationFraction), ValidationFraction, 0, 0.5);
        OptionChecks.AtLeast(nameof(Patience), Patience, 1);
        OptionChecks.NullOrNotEmpty(nameof(CheckpointDirectory), CheckpointDirectory);
        OptionChecks.NullOrNotEmpty(nameof(InitialAdapter), InitialAdapter);
    }
}
