using System.CommandLine;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>The options of a training: the method, and what the options classes of the library hold.</summary>
internal sealed class TrainingArguments
{
    private const string Prompt = "prompt", Prefix = "prefix", ProjectedPrefix = "prefix-projected", PTuningMlp = "p-tuning-mlp", PTuningLstm = "p-tuning-lstm";
    private const string LabelWords = "label-words", TrainedHead = "trained";

    private readonly List<Option> _options = [];
    private readonly List<Action<ParseResult, SoftPromptOptions>> _setters = [];
    private readonly Option<string> _method = new("--method", "-m")
    {
        Description = $"How the soft prompt is trained: {Prompt}, {Prefix}, {ProjectedPrefix}, {PTuningMlp} or {PTuningLstm}",
        HelpName = "METHOD",
        DefaultValueFactory = _ => Prefix,
    };

    public TrainingArguments()
    {
        _method.AcceptOnlyFromAmong(Prompt, Prefix, ProjectedPrefix, PTuningMlp, PTuningLstm);
        _options.Add(_method);
        Model = Text("--model", "The frozen model: a directory, a .gguf file, a name, or owner/name on the Hugging Face hub [default: the embedded one]", "MODEL", (options, value) => options.Model = value);
        Number<int>("--virtual-tokens", "The length of the soft prompt [default: 20]", "N", 1, (options, value) => options.VirtualTokens = value);
        Number<int>("--max-epochs", "The most passes over the training rows [default: 5, and more for few rows]", "N", 1, (options, value) => options.MaxEpochs = value);
        Number<int>("--batch-size", "Rows per step [default: 32, in generation 4]", "N", 1, (options, value) => options.BatchSize = value);
        Number<double>("--learning-rate", "The soft prompt's highest learning rate [default: the method's]", "X", 0, (options, value) => options.LearningRate = value);
        Number<double>("--head-learning-rate", "The head's highest learning rate [default: 0.01]", "X", 0, (options, value) => options.HeadLearningRate = value);
        Number<double>("--weight-decay", "Decoupled weight decay [default: 0]", "X", 0, (options, value) => options.WeightDecay = value);
        Number<double>("--label-smoothing", "What part of each target all classes share [default: 0.1]", "X", 0, (options, value) => options.LabelSmoothing = value);
        Number<double>("--warm-up-fraction", "The part of all steps in which learning rates rise [default: 0.06]", "X", 0, (options, value) => options.WarmUpFraction = value);
        Number<double>("--max-gradient-norm", "Gradients are scaled down to this norm [default: 1]", "X", 0, (options, value) => options.MaxGradientNorm = value);
        Number<double>("--validation-fraction", "The part of the rows held out to choose the best epoch by [default: 0.1]", "X", 0, (options, value) => options.ValidationFraction = value);
        Number<int>("--patience", "Epochs without improvement until training stops [default: a third of all, at least 3]", "N", 1, (options, value) => options.Patience = value);
        Number<int>("--max-tokens", "Longer texts are cut [default: what the model allows]", "N", 3, (options, value) => options.MaxTokens = value);
        Choice<LearningRateSchedule>("--schedule", "How learning rates fall [default: linear]", (options, value) => options.Schedule = value);
        Choice<Pooling>("--pooling", "How hidden states become one vector per text [default: auto]", (options, value) => options.Pooling = value);
        Choice<Precision>("--precision", "The number format of the frozen weights [default: auto]", (options, value) => options.Precision = value);
        var head = Text("--head", $"What turns the model's answer into classes: {TrainedHead}, or {LabelWords} (decoders only) [default: {TrainedHead}]", "HEAD",
            (options, value) => options.Head = value == LabelWords ? ClassificationHead.LabelWords : ClassificationHead.Trained);
        head.AcceptOnlyFromAmong(TrainedHead, LabelWords);
        Text("--prompt-template", "What a language model is given to write on from, with {text} and for pairs {second} in it [default: {text} and a line break]", "TEXT",
            (options, value) => options.PromptTemplate = value.Replace("\\n", "\n", StringComparison.Ordinal));
        Number<int>("--max-new-tokens", "The most tokens that are written for a text, in generation [default: 64]", "N", 1, (options, value) => options.Generation = options.Generation with { MaxNewTokens = value });
        Text("--initialization-text", "A text that the soft prompt starts from [default: training texts]", "TEXT", SetInitializationText);
        Text("--initial-adapter", "An adapter directory to start from", "DIR", (options, value) => options.InitialAdapter = value);
    }

    /// <summary>The frozen model.</summary>
    public Option<string?> Model { get; }

    public void AddTo(Verb verb)
    {
        foreach (var option in _options)
            verb.Add(option);
    }

    /// <summary>The method's name as it was given.</summary>
    public string Method(ParseResult parsed) => parsed.GetValue(_method)!;

    /// <summary>The options of the method.</summary>
    public SoftPromptOptions Create(ParseResult parsed)
    {
        SoftPromptOptions options = Method(parsed) switch
        {
            Prompt => new PromptTuningOptions(),
            Prefix => new PrefixTuningOptions(),
            ProjectedPrefix => new PrefixTuningOptions { Projection = true },
            PTuningMlp => new PTuningOptions { Encoder = PromptEncoder.Mlp },
            _ => new PTuningOptions { Encoder = PromptEncoder.Lstm },
        };
        foreach (var set in _setters)
            set(parsed, options);
        return options;
    }

    /// <summary>The estimator of the options' method.</summary>
    public static IEstimator<SoftPromptTransformer> Estimator(TransformsCatalog transforms, SoftPromptOptions options) => options switch
    {
        PromptTuningOptions prompt => transforms.PromptTuning(prompt),
        PrefixTuningOptions prefix => transforms.PrefixTuning(prefix),
        PTuningOptions pTuning => transforms.PTuning(pTuning),
        _ => throw new ArgumentException($"There is no method with {options.GetType().Name}."),
    };

    private static void SetInitializationText(SoftPromptOptions options, string text)
    {
        switch (options)
        {
            case PromptTuningOptions prompt:
                prompt.InitializationText = text;
                break;
            case PrefixTuningOptions prefix:
                (prefix.Initialization, prefix.InitializationText) = (PrefixInitialization.Text, text);
                break;
            case PTuningOptions pTuning:
                pTuning.InitializationText = text;
                break;
        }
    }

    private Option<string?> Text(string name, string description, string help, Action<SoftPromptOptions, string> set)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = help };
        _setters.Add((parsed, options) =>
        {
            if (parsed.GetValue(option) is { } value)
                set(options, value);
        });
        _options.Add(option);
        return option;
    }

    private void Number<T>(string name, string description, string help, double least, Action<SoftPromptOptions, T> set)
        where T : struct, System.Numerics.INumber<T> => Add(Arguments.Number<T>(name, description, help, least), set);

    private void Choice<T>(string name, string description, Action<SoftPromptOptions, T> set)
        where T : struct, Enum => Add(Arguments.Choice<T>(name, description, name[2..].ToUpperInvariant()), set);

    private void Add<T>(Option<T?> option, Action<SoftPromptOptions, T> set)
        where T : struct
    {
        _setters.Add((parsed, options) =>
        {
            if (parsed.GetValue(option) is { } value)
                set(options, value);
        });
        _options.Add(option);
    }
}
