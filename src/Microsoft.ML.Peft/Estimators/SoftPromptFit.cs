using System.Globalization;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Native;
using Microsoft.ML.Peft.Training;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Estimators;

/// <summary>What the three estimators share: from rows to a trained transformer.</summary>
internal sealed class SoftPromptFit
{
    private const string TrainingSet = "training set";
    private const string ValidationSet = "validation set";

    private readonly IHost _host;
    private readonly SoftPromptOptions _options;
    private readonly MethodSettings _method;
    private readonly ColumnNames _names;

    public SoftPromptFit(IHostEnvironment environment, string name, SoftPromptOptions options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(options);
        _host = environment.Register(name);
        _options = options.CheckedCopy();
        _method = _options.ToMethodSettings();
        _names = _options.ToColumnNames();
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return PredictionColumns.Promise(inputSchema, _names);
    }

    public SoftPromptTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var shape = PredictionShape.Of(input.Schema, _names);
        var labelNames = LabelNames(shape);
        if (_method is PromptTuningSettings { Initialization: PromptInitialization.LabelWords } && labelNames is null)
            throw new ArgumentException($"Initialization is LabelWords, but the label column '{_names.Label}' has no label names; choose another initialization.");
        CheckLabelWords(_options, shape);
        if (_options.ValidationSet is { } validationSet)
            CheckValidationSet(validationSet.Schema, shape);
        var device = Devices.Choose(((IHostEnvironmentInternal)_host).GpuDeviceId, ((IHostEnvironmentInternal)_host).FallbackToCpu);

        using var channel = _host.Start("Training");
        var reader = new LabeledTextsReader(_names, shape.Task, channel, CheckCancelled);
        bool writes = shape.Task == PredictionTask.Generation;
        var settings = _options.ToTrainingSettings(_options.Seed ?? InterruptedSeed() ?? _host.Rand.Next(), labelNames, writes);
        var (model, history) = writes ? FitWriter(input, reader, settings, channel, device) : FitClassifier(input, reader, shape, settings, channel, device);
        return new SoftPromptTransformer(_host, shape, _options.Precision, model, history);
    }

    /// <summary>With a trained head, also for values, or by label words.</summary>
    private (PeftModel Model, TrainingHistory History) FitClassifier(
        IDataView input, LabeledTextsReader reader, PredictionShape shape, TrainingSettings settings, IChannel channel, Device device)
    {
        var train = reader.Read(input, TrainingSet);
        var validation = _options.ValidationSet is { } rows ? reader.Read(rows, ValidationSet) : null;
        return settings.LabelWords is null
            ? Fit(channel, device, ModelLocator.DefaultEncoder, (backbone, observer) =>
                SoftPromptTrainer.Train(backbone, _method, shape.Task, shape.Outputs, train, validation, settings, observer, _options.CheckpointDirectory))
            : Fit(channel, device, ModelLocator.DefaultDecoder, (backbone, observer) =>
                LabelWordsTrainer.Train(backbone, _method, shape.Task, train, validation, settings, observer, _options.CheckpointDirectory));
    }

    private (PeftModel Model, TrainingHistory History) FitWriter(
        IDataView input, LabeledTextsReader reader, TrainingSettings settings, IChannel channel, Device device)
    {
        var train = reader.ReadTargets(input, TrainingSet);
        var validation = _options.ValidationSet is { } rows ? reader.ReadTargets(rows, ValidationSet) : null;
        return Fit(channel, device, ModelLocator.DefaultDecoder, (backbone, observer) => GenerationTrainer.Train(backbone, _method, train, validation, settings, observer, _options.CheckpointDirectory));
    }

    /// <summary>Loads the frozen model and trains on it.</summary>
    private T Fit<T>(IChannel channel, Device device, string defaultModel, Func<PretrainedModel, TrainingObserver, T> train)
    {
        CheckCancelled();
        using var backbone = PretrainedModel.Load(
            _options.Model ?? defaultModel, _options.Precision, device, new DownloadReport(_options.Model, channel, CheckCancelled), _options.CancellationToken);
        using var report = new TrainingReport(_host, channel);
        string measured = _options.Precision == Precision.Auto
            ? string.Create(CultureInfo.InvariantCulture, $", since a matrix product in bfloat16 is {Precisions.Speedup(device):0.0#} times as fast as in 32-bit floats here")
            : "";
        report.Log($"The frozen weights are {backbone.Precision}{measured}.");
        return train(backbone, new TrainingObserver(Told, report.Log, CheckCancelled));

        void Told(TrainingProgress progress)
        {
            report.Progress(progress);
            _options.Progress?.Report(progress);
        }
    }

    /// <summary>The seed of the training that goes on, which nobody has named.</summary>
    private int? InterruptedSeed()
    {
        if (_options.CheckpointDirectory is not { } directory || !TrainingCheckpoint.ExistsIn(directory))
            return null;
        using var checkpoint = TrainingCheckpoint.Open(directory);
        return int.TryParse(checkpoint.Identity[nameof(_options.Seed)], CultureInfo.InvariantCulture, out int seed) ? seed : null;
    }

    /// <summary>The class names in class order, where they are known.</summary>
    public static IReadOnlyList<string>? LabelNames(PredictionShape shape)
        => shape.Task == PredictionTask.Binary ? [bool.FalseString, bool.TrueString] : shape.Keys?.Names;

    /// <summary>Checks that a head of label words, where there is one, has classes with names to score.</summary>
    public static void CheckLabelWords(SoftPromptOptions options, PredictionShape shape)
    {
        if (options.Head != ClassificationHead.LabelWords)
            return;
        var labelNames = LabelNames(shape);
        string label = shape.Names.Label;
        if (shape.Task is not (PredictionTask.Multiclass or PredictionTask.Binary))
            throw new ArgumentException($"Head is LabelWords, which scores classes, but the label column '{label}' means {shape.Task}; use Head = Trained.");
        if (labelNames is null)
            throw new ArgumentException($"Head is LabelWords, but the label column '{label}' has no label names; map text labels with Conversion.MapValueToKey, or use Head = Trained.");
        if (options.LabelWords?.Keys.FirstOrDefault(name => !labelNames.Contains(name)) is { } unknown)
            throw new ArgumentException($"LabelWords names the label '{unknown}', but the label column '{label}' has {Classes(labelNames)}.");
    }

    /// <summary>Checks that a validation set has the columns of the training set, with the same meaning.</summary>
    public static void CheckValidationSet(DataViewSchema schema, PredictionShape training)
    {
        var names = training.Names;
        string?[] needed = [names.Label, names.Text, names.SecondText];
        if (needed.FirstOrDefault(name => name is not null && schema.GetColumnOrNull(name) is null) is { } missing)
            throw new ArgumentException($"The validation set has no column '{missing}'; it needs the same columns as the training set.");
        var validation = PredictionShape.Of(schema, names);
        if (validation.Task != training.Task)
            throw new ArgumentException(
                $"The label column '{names.Label}' means {training.Task} in the training set, but {validation.Task} in the validation set; it must have the same type.");
        bool same = validation.Outputs == training.Outputs && (validation.Keys is null || training.Keys is null || validation.Keys.SameAs(training.Keys));
        if (!same)
            throw new ArgumentException(
                $"The label column '{names.Label}' has other classes in the validation set ({Classes(validation)}) than in the training set ({Classes(training)}); " +
                "transform both with the same fitted MapValueToKey.");
    }

    private static string Classes(PredictionShape shape) => shape.Keys is { Names: var names } ? Classes(names) : $"{shape.Outputs} without names";

    private static string Classes(IReadOnlyList<string> names)
    {
        const int shown = 10;
        return string.Join(", ", names.Take(shown).Select(n => $"'{n}'")) + (names.Count > shown ? $" and {names.Count - shown} more" : "");
    }

    private void CheckCancelled()
    {
        _host.CheckAlive();
        _options.CancellationToken.ThrowIfCancellationRequested();
    }
}
