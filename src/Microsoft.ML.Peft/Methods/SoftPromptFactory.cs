using Microsoft.ML.Peft.Backbones;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Methods;

/// <summary>What initialisation may look at besides random numbers.</summary>
/// <param name="Backbone">The frozen model.</param>
/// <param name="Tokenize">Token ids of a text, special tokens included.</param>
/// <param name="SpecialIds">Ids that stand for no text.</param>
/// <param name="TrainingTexts">Training rows as token ids, special tokens included, in an order that is theirs to choose from.</param>
/// <param name="LabelNames">The label names, where known.</param>
internal sealed record InitializationSource(
    Backbone Backbone, Func<string, IReadOnlyList<int>> Tokenize, IReadOnlySet<int> SpecialIds,
    IEnumerable<IReadOnlyList<int>> TrainingTexts, IReadOnlyList<string>? LabelNames)
{
    /// <summary>Training rows for writing: what is read, special tokens included, and what is to be written on it. Empty for a head.</summary>
    public IEnumerable<(IReadOnlyList<int> Text, int[] Target)> TrainingPairs { get; init; } = [];
}

/// <summary>
/// Makes a soft prompt that is ready to train. The rule behind the defaults: start where the frozen model already works,
/// from real tokens, and let an encoder add a correction that begins at zero.
/// </summary>
internal static class SoftPromptFactory
{
    public static SoftPrompt Create(MethodSettings settings, InitializationSource source, Initializer initializer)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        return settings switch
        {
            PromptTuningSettings prompt => new PromptTuning(InitialEmbeddings(prompt, source, initializer), source.Backbone.Submodules),
            PrefixTuningSettings { Projection: false } prefix => Direct(prefix, source, initializer),
            PrefixTuningSettings prefix => Projected(prefix, source, initializer),
            PTuningSettings { Encoder: PromptEncoder.Mlp } mlp => Mlp(mlp, source, initializer),
            PTuningSettings lstm => Lstm(lstm, source, initializer),
            _ => throw new ArgumentOutOfRangeException(nameof(settings), settings, null),
        };
    }

    private static Tensor InitialEmbeddings(PromptTuningSettings settings, InitializationSource source, Initializer initializer)
    {
        var shape = source.Backbone.Configuration;
        int length = Rows(settings, source);
        switch (settings.Initialization)
        {
            case PromptInitialization.RandomUniform:
                return initializer.Uniform(settings.InitializationRange, length, shape.EmbeddingSize);
            case PromptInitialization.SampledVocabulary:
                int[] words = [.. Enumerable.Range(0, shape.VocabularySize).Where(id => !source.SpecialIds.Contains(id))];
                return Embed(initializer.Sample(words.Length, length).Select(i => words[i]), source);
            case PromptInitialization.Text:
                return Embed(WithoutSpecials(TextTokens(settings.InitializationText, length, source), source, length), source);
            case PromptInitialization.LabelWords:
                var names = source.LabelNames ?? throw new InvalidOperationException(
                    "Initialization is LabelWords, but the label column has no text key values; map text labels with MapValueToKey or choose another initialisation.");
                return Embed(WithoutSpecials(names.SelectMany(source.Tokenize), source, length), source);
            default:
                throw new ArgumentOutOfRangeException(nameof(settings), settings.Initialization, null);
        }
    }

    private static PrefixTuning Direct(PrefixTuningSettings settings, InitializationSource source, Initializer initializer)
    {
        var shape = source.Backbone.Configuration;
        return new PrefixTuning(InitialPrefix(settings, source, initializer), shape.Layers, shape.KeyValueHeads, source.Backbone.Submodules);
    }

    private static ProjectedPrefixTuning Projected(PrefixTuningSettings settings, InitializationSource source, Initializer initializer)
    {
        var shape = source.Backbone.Configuration;
        int hidden = settings.ProjectionHiddenSize ?? shape.HiddenSize;
        // Normal is the paper's start: all of the prefix comes from the MLP. The others are corrected by one that starts at zero.
        bool plain = settings.Initialization == PrefixInitialization.Normal;
        return new ProjectedPrefixTuning(
            initializer.Normal(1, settings.VirtualTokens, shape.HiddenSize),
            initializer.Linear(hidden, shape.HiddenSize),
            plain ? initializer.Linear(PrefixSize(shape), hidden) : initializer.ZeroLinear(PrefixSize(shape), hidden),
            plain ? null : InitialPrefix(settings, source, initializer), shape.Layers, shape.KeyValueHeads, source.Backbone.Submodules);
    }

    private static PTuningMlp Mlp(PTuningSettings settings, InitializationSource source, Initializer initializer)
    {
        int embedding = source.Backbone.Configuration.EmbeddingSize, hidden = settings.EncoderHiddenSize ?? embedding;
        return new PTuningMlp(
            initializer.Normal(1, Rows(settings, source), embedding), initializer.Linear(hidden, embedding), initializer.Linear(hidden, hidden),
            initializer.ZeroLinear(embedding, hidden), TextStart(settings, source), source.Backbone.Submodules);
    }

    private static PTuningLstm Lstm(PTuningSettings settings, InitializationSource source, Initializer initializer)
    {
        int embedding = source.Backbone.Configuration.EmbeddingSize, hidden = settings.EncoderHiddenSize ?? embedding;
        var layers = Enumerable.Range(0, settings.EncoderLayers)
            .Select(layer => layer == 0 ? embedding : 2 * hidden)
            .Select(input => (initializer.Lstm(hidden, input), initializer.Lstm(hidden, input)))
            .ToList();
        return new PTuningLstm(
            initializer.Normal(1, Rows(settings, source), embedding), layers, initializer.Linear(2 * hidden, 2 * hidden),
            initializer.ZeroLinear(embedding, 2 * hidden), TextStart(settings, source), settings.EncoderDropout, initializer.Generator, source.Backbone.Submodules);
    }

    private static Tensor TextStart(PTuningSettings settings, InitializationSource source) =>
        Embed(WithoutSpecials(TextTokens(settings.InitializationText, settings.VirtualTokens, source), source, Rows(settings, source)), source);

    /// <summary>How many rows of embeddings a file holds.</summary>
    private static int Rows(MethodSettings settings, InitializationSource source) => settings.VirtualTokens * source.Backbone.Submodules;

    private static Tensor InitialPrefix(PrefixTuningSettings settings, InitializationSource source, Initializer initializer)
    {
        var shape = source.Backbone.Configuration;
        return settings.Initialization switch
        {
            PrefixInitialization.Zeros => zeros(settings.VirtualTokens, PrefixSize(shape), device: source.Backbone.Device),
            PrefixInitialization.Normal => initializer.Normal(1, settings.VirtualTokens, PrefixSize(shape)),
            PrefixInitialization.Text => TextPrefix(settings, source),
            _ => throw new ArgumentOutOfRangeException(nameof(settings), settings.Initialization, null),
        };
    }

    private static int PrefixSize(ModelConfiguration shape) => 2 * shape.Layers * shape.KeyValueHeads * shape.HeadSize;

    /// <summary>The frozen model's keys and values over a text, in the layout of files `[P, 2·L·D]`.</summary>
    private static Tensor TextPrefix(PrefixTuningSettings settings, InitializationSource source)
    {
        int layers = source.Backbone.Configuration.Layers;
        var (batch, at) = source.Backbone is EncoderDecoder model ? WrittenText(settings, model, source) : ReadText(settings, source);
        var pairs = new (Tensor Key, Tensor Value)?[layers];                            // of [P, KV, d]
        source.Backbone.Forward(batch, null, null, (layer, key, value) =>
            pairs[Prompt.PairOf(layer, layers, source.Backbone.Submodules)] ??= (key.index_select(0, at).MoveToOuterDisposeScope(), value.index_select(0, at).MoveToOuterDisposeScope()));
        var unused = zeros_like(pairs[0]!.Value.Key);
        return stack([.. pairs.SelectMany(pair => new[] { pair?.Key ?? unused, pair?.Value ?? unused })], 1).reshape(settings.VirtualTokens, -1).to(ScalarType.Float32);
    }

    /// <summary>A text, and the positions of its first P tokens.</summary>
    private static (TokenBatch Batch, Tensor At) ReadText(PrefixTuningSettings settings, InitializationSource source)
    {
        int length = settings.VirtualTokens;
        int[] text = [.. Repeat(TextTokens(settings.InitializationText, length, source), length).Select(id => (int)id)];
        return (TokenBatch.Create([text], source.Backbone.Device), arange(length, dtype: ScalarType.Int64, device: source.Backbone.Device));
    }

    /// <summary>
    /// Training rows whose targets the decoder writes, and the positions of the first P tokens that it reads for that. It writes a given text as
    /// it has read it.
    /// </summary>
    private static (TokenBatch Batch, Tensor At) WrittenText(PrefixTuningSettings settings, EncoderDecoder model, InitializationSource source)
    {
        var rows = new List<(IReadOnlyList<int> Text, int[] Target)>();
        var given = settings.InitializationText is { } text ? [(source.Tokenize(text), (int[])[.. source.Tokenize(text)])] : source.TrainingPairs;
        foreach (var pair in given.Where(pair => pair.Target.Length > 0).TakeWhile(_ => rows.Sum(row => row.Target.Length) < settings.VirtualTokens))
            rows.Add(pair);
        if (rows.Count == 0)
            throw NoTokens();
        var (batch, asking) = model.TeacherForced([.. rows.Select(row => row.Text)], [.. rows.Select(row => row.Target)]);
        return (batch, tensor(Enumerable.Range(0, settings.VirtualTokens).Select(i => asking[i % asking.Length]).ToArray(), device: model.Device));
    }

    /// <summary>The given text's tokens, or training rows until there are enough.</summary>
    private static IReadOnlyList<int> TextTokens(string? text, int length, InitializationSource source)
    {
        if (text is not null)
            return source.Tokenize(text);
        var tokens = new List<int>();
        foreach (var row in source.TrainingTexts)
        {
            tokens.AddRange(row);
            if (tokens.Count(id => !source.SpecialIds.Contains(id)) >= length)
                break;
        }
        return tokens;
    }

    private static IEnumerable<int> WithoutSpecials(IEnumerable<int> tokens, InitializationSource source, int length) =>
        Repeat([.. tokens.Where(id => !source.SpecialIds.Contains(id))], length).Select(id => (int)id);

    private static IEnumerable<long> Repeat(IReadOnlyList<int> tokens, int length) => tokens.Count == 0
        ? throw NoTokens()
        : Enumerable.Range(0, length).Select(i => (long)tokens[i % tokens.Count]);

    private static InvalidOperationException NoTokens() => new("The text that the soft prompt starts from has no tokens; give another InitializationText.");

    private static Tensor Embed(IEnumerable<int> tokens, InitializationSource source)
    {
        using var ids = tensor(tokens.Select(id => (long)id).ToArray(), device: source.Backbone.Device);
        return source.Backbone.WordEmbeddings.index_select(0, ids).to(ScalarType.Float32);
    }
}
