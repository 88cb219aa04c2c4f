using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Methods;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Inference;

/// <summary>A trained soft prompt with its head: what an adapter directory holds.</summary>
/// <param name="Configuration">The method's configuration in Hugging Face's form.</param>
/// <param name="PromptEmbeddings">The prompt in the layout of files `[P, …]`, every training-time network already applied.</param>
/// <param name="Head">The head; null for language modelling, where the frozen model's own output layer answers.</param>
/// <param name="Description">What Hugging Face's files have no place for; null without head.</param>
/// <param name="Generation">How a language model is to write; null with a head, and where the directory does not say.</param>
internal sealed record Adapter(
    AdapterConfiguration Configuration, Tensor PromptEmbeddings, SequenceHead? Head, HeadDescription? Description, GenerationDescription? Generation = null) : IDisposable
{
    private const string Classification = "SEQ_CLS";
    private const string HeadPrefix = "base_model.";
    private const string LanguageModel = "CAUSAL_LM";
    private const string SequenceToSequence = AdapterConfiguration.SequenceToSequence;

    /// <summary>What the soft prompt was trained from; null for an adapter that was loaded.</summary>
    public SoftPromptState? State { get; init; }

    /// <summary>How a language model classifies by label words; null where it does not.</summary>
    public LabelWordsDescription? LabelWords { get; init; }

    /// <summary>The files of an adapter that is used; one that training goes on from has <see cref="SoftPromptState.FileName"/> too.</summary>
    public static IReadOnlyList<string> FileNames { get; } =
        [AdapterDirectory.TensorsName, AdapterDirectory.ConfigurationName, HeadDescription.FileName, HeadDescription.TensorsFileName, GenerationDescription.FileName, LabelWordsDescription.FileName];

    public static Adapter Load(PretrainedModel backbone, string directory)
    {
        using var scope = NewDisposeScope();
        var (configuration, tensors) = AdapterDirectory.Read(directory);
        var prompt = tensors[AdapterDirectory.PromptEmbeddings].to(ScalarType.Float32, backbone.Frozen.Backbone.Device);
        CheckTask(configuration, backbone, directory);
        CheckPrompt(prompt, configuration, backbone, directory);
        if (configuration.TaskType is LanguageModel or SequenceToSequence)
            return new Adapter(configuration, prompt.DetachFromDisposeScope(), null, null, GenerationDescription.ReadFrom(directory)) { LabelWords = LabelWordsDescription.ReadFrom(directory) };
        string headPath = Path.Combine(directory, HeadDescription.FileName);
        var description = File.Exists(headPath) ? HeadDescription.Parse(File.ReadAllBytes(headPath), headPath) : null;
        var transformer = backbone.Frozen.Backbone;
        var pooling = description?.Pooling ?? Pooling.HuggingFace;
        var layout = Layout(pooling, backbone.Frozen);
        var values = pooling == Pooling.HuggingFace
            ? HeadValues(tensors, HeadPrefix, layout, transformer, Path.Combine(directory, AdapterDirectory.TensorsName))
            : ReadHead(Path.Combine(directory, HeadDescription.TensorsFileName), layout, transformer);
        int outputs = (int)values[layout.Output + ".weight"].size(0);
        description ??= new HeadDescription { Task = outputs == 1 ? PredictionTask.Regression : PredictionTask.Multiclass, Pooling = pooling };
        if (description.Labels is { } labels && labels.Count != outputs)
            throw new InvalidDataException($"'{headPath}' names {labels.Count} labels, but the head has {outputs} outputs.");
        if ((description.Task == PredictionTask.Regression && outputs != 1) || (description.Task == PredictionTask.Binary && outputs != 2))
            throw new InvalidDataException($"'{headPath}' says {description.Task}, which takes {(description.Task == PredictionTask.Binary ? 2 : 1)}, but the head has {outputs} outputs.");
        return new Adapter(configuration, prompt.DetachFromDisposeScope(), CreateHead(pooling, backbone.Frozen, values), description);
    }

    /// <summary>Writes all files or none; others in the directory stay.</summary>
    /// <param name="directory">Is made if it does not exist.</param>
    /// <param name="trainingStateOf">The fingerprint of the frozen model, for training to go on from the directory; null to leave the training's state out.</param>
    /// <exception cref="InvalidOperationException">The training's state is asked for and not known.</exception>
    public void Save(string directory, string? trainingStateOf = null)
    {
        if (trainingStateOf is not null && State is null)
        {
            throw new InvalidOperationException(
                "This soft prompt was loaded, and neither a saved pipeline nor an adapter holds what it was trained from; save it with includeTrainingState from the transformer that Fit returns.");
        }
        AdapterDirectory.At(directory).Write([.. FileNames, SoftPromptState.FileName], partial => Write(partial, trainingStateOf));
    }

    private void Write(string directory, string? trainingStateOf)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor> { [AdapterDirectory.PromptEmbeddings] = PromptEmbeddings };
        if (Head is not null)
            SaveHead(directory, tensors);
        Generation?.WriteTo(directory);
        LabelWords?.WriteTo(directory);
        if (trainingStateOf is not null)
            State!.WriteTo(directory, trainingStateOf);
        AdapterDirectory.Write(directory, Configuration, tensors);
    }

    private void SaveHead(string directory, Dictionary<string, Tensor> tensors)
    {
        var head = Head!.Parameters.ToDictionary(parameter => parameter.Key, parameter => parameter.Value.detach());
        if (Head.Pooling == Pooling.HuggingFace)
        {
            foreach (var (name, value) in head)
                tensors[HeadPrefix + name] = value;
        }
        else
        {
            SafetensorsWriter.Write(Path.Combine(directory, HeadDescription.TensorsFileName), head);
        }
        AtomicFile.Write(Path.Combine(directory, HeadDescription.FileName), stream => stream.Write(Description!.ToJson()));
    }

    /// <summary>The prompt as the frozen model takes it, in its number format, with all that does not depend on the text computed.</summary>
    public Prompt Prompt(Backbone transformer)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var shape = transformer.Configuration;
        var prompt = Configuration.IsPrefix
            ? Backbones.Prompt.FromPrefix(PromptEmbeddings, shape.Layers, shape.KeyValueHeads, Configuration.Submodules)
            : Backbones.Prompt.FromEmbeddings(PromptEmbeddings, Configuration.Submodules);
        var prepared = transformer.Prepare(prompt);
        // What needs no other numbers is no second copy: many adapters share one process.
        return prepared == prompt && transformer.Type == ScalarType.Float32 ? prompt.Share() : prepared.Bake(transformer.Type);
    }

    public void Dispose()
    {
        PromptEmbeddings.Dispose();
        Head?.Dispose();
        State?.Dispose();
    }

    public static HeadLayout Layout(Pooling pooling, FrozenModel model) => pooling == Pooling.HuggingFace ? model.Head : HeadLayout.Linear;

    /// <summary>A head on the model, with its frozen pooler where the layout stands on it.</summary>
    public static SequenceHead CreateHead(Pooling pooling, FrozenModel model, IReadOnlyDictionary<string, Tensor> values)
    {
        var layout = Layout(pooling, model);
        if (layout.UsesPooler && model.Backbone.Pooler is null)
        {
            throw new NotSupportedException(
                $"Hugging Face's head for this model stands on a pooler, and the checkpoint in '{model.Directory}' has none; choose Pooling.Mean or Pooling.Cls.");
        }
        return new SequenceHead(pooling, layout, values, model.Backbone.Pooler);
    }

    private static Dictionary<string, Tensor> ReadHead(string path, HeadLayout layout, Backbone transformer)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"'{path}' is missing: the adapter's {HeadDescription.FileName} says that its head lies there.", path);
        using var file = SafetensorsFile.Open(path);
        return HeadValues(file.Tensors.Keys.ToDictionary(name => name, file.Read), "", layout, transformer, path);
    }

    private static Dictionary<string, Tensor> HeadValues(
        IReadOnlyDictionary<string, Tensor> tensors, string prefix, HeadLayout layout, Backbone transformer, string path)
    {
        int hidden = transformer.Configuration.HiddenSize;
        var values = new Dictionary<string, Tensor>();
        foreach (string name in SequenceHead.ParameterNames(layout))
        {
            if (!tensors.TryGetValue(prefix + name, out var value))
            {
                throw new InvalidDataException(
                    $"'{path}' has no '{prefix + name}': it holds no head for sequence classification (it has {string.Join(", ", tensors.Keys.Order())}).");
            }
            values[name] = value.to(ScalarType.Float32, transformer.Device);
        }
        foreach (string layer in new[] { layout.Dense, layout.Output }.OfType<string>())
        {
            long[] weight = values[layer + ".weight"].shape;
            long[]? bias = values.GetValueOrDefault(layer + ".bias")?.shape;
            bool fits = weight is [> 0, _] && weight[1] == hidden && (bias is null || (bias is [_] && bias[0] == weight[0])) && (layer == layout.Output || weight[0] == hidden);
            if (!fits)
            {
                throw new InvalidDataException(
                    $"'{path}': '{prefix + layer}' has weight [{string.Join(", ", weight)}] and bias [{string.Join(", ", bias ?? [])}], which do not fit the frozen model's hidden size {hidden}.");
            }
        }
        return values;
    }

    /// <summary>Encoders classify, decoders classify or write, encoder–decoders write.</summary>
    private static void CheckTask(AdapterConfiguration configuration, PretrainedModel backbone, string directory)
    {
        string? task = configuration.TaskType;
        if (task is not (null or Classification or LanguageModel or SequenceToSequence))
            throw new NotSupportedException($"The adapter in '{directory}' is for {task}; supported are {Classification}, {LanguageModel} and {SequenceToSequence}.");
        var (kind, takes, fits) = backbone.Frozen.Backbone switch
        {
            EncoderDecoder => ("an encoder–decoder", SequenceToSequence, task == SequenceToSequence),
            Backbones.LanguageModel => ("a decoder", $"{LanguageModel} or {Classification}", task != SequenceToSequence),
            _ => ("an encoder", Classification, task is not (LanguageModel or SequenceToSequence)),
        };
        if (!fits)
        {
            throw new InvalidDataException(
                $"The adapter in '{directory}' is for {task ?? "no task"}, but the frozen model '{backbone.Name}' ({backbone.Configuration.ModelType}) is {kind} and takes {takes}; {OnAnother(configuration, backbone)}");
        }
    }

    private static void CheckPrompt(Tensor prompt, AdapterConfiguration configuration, PretrainedModel backbone, string directory)
    {
        var shape = backbone.Configuration;
        bool prefix = configuration.IsPrefix;
        int submodules = configuration.Submodules;
        if (submodules > backbone.Frozen.Backbone.Submodules || (!prefix && prompt.size(0) % submodules != 0))
        {
            throw new InvalidDataException(
                $"The adapter in '{directory}' has {prompt.size(0)} rows for {submodules} submodules (num_transformer_submodules), but the frozen model has {backbone.Frozen.Backbone.Submodules}; " +
                OnAnother(configuration, backbone));
        }
        long width = prefix ? 2L * shape.Layers * shape.KeyValueHeads * shape.HeadSize : shape.EmbeddingSize;
        if (prompt.size(1) != width)
        {
            throw new InvalidDataException(
                $"The adapter in '{directory}' has {prompt.size(1)} values per virtual token, but this frozen model takes {width}; {OnAnother(configuration, backbone)}");
        }
        CheckShape(configuration, backbone, directory);
        int specialTokens = backbone.Words.Encode("").Ids.Count;
        long virtualTokens = prefix ? prompt.size(0) : prompt.size(0) / submodules;
        if (virtualTokens + specialTokens > shape.MaxPositions)
            throw new InvalidDataException($"The adapter in '{directory}' has {virtualTokens} virtual tokens, which leaves no position for text: the frozen model has {shape.MaxPositions}.");
    }

    /// <summary>Other layers and heads may have as many values together, but in another order.</summary>
    private static void CheckShape(AdapterConfiguration configuration, PretrainedModel backbone, string directory)
    {
        var shape = backbone.Configuration;
        // PEFT counts an encoder–decoder's layers now on one side and now on the other.
        int? layers = shape is EncoderDecoderConfiguration ? null : configuration.NumLayers;
        int? heads = configuration.IsPrefix ? configuration.NumAttentionHeads : null;
        if ((layers ?? shape.Layers) != shape.Layers || (heads ?? shape.KeyValueHeads) != shape.KeyValueHeads)
        {
            throw new InvalidDataException(
                $"The adapter in '{directory}' is for {layers ?? shape.Layers} layers of {heads ?? shape.KeyValueHeads} key/value heads, but this frozen model has {shape.Layers} of {shape.KeyValueHeads}; " +
                OnAnother(configuration, backbone));
        }
    }

    private static string OnAnother(AdapterConfiguration configuration, PretrainedModel backbone) =>
        $"it was trained on another model{(configuration.BaseModelNameOrPath is { } name ? $" ('{name}')" : "")}, not on '{backbone.Name}'.";
}
