using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tokenization;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// A model's weights and tokenizer, held once per process for each directory, number format and device, however many
/// <see cref="PretrainedModel"/>s refer to it. The last one to be disposed frees it.
/// </summary>
internal sealed class FrozenModel
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<Key, FrozenModel> Loaded = [];

    private readonly Key _key;
    private readonly WeightSource _weights;
    private readonly Lazy<string> _fingerprint;
    private int _users;

    private FrozenModel(Key key)
    {
        _key = key;
        var files = ModelFiles.At(key.Directory);
        try
        {
            var config = files.ReadConfig();
            var family = files.FamilyOf(config);
            var plan = family.Plan(config);
            CheckShape(config, plan.Configuration);
            Head = family.Head;
            Tokenizer = files.LoadTokenizer();
            CheckVocabulary(plan.Configuration);
            Pooling = SentencePooling(key.Directory);
            ChatTemplate = files.ReadChatTemplate();
            EndIds = ReadEndIds(files.ReadOptional("generation_config.json"), config, Tokenizer);
            _weights = files.OpenWeights();
            Backbone = plan.Load(_weights, key.Type, new Device(key.Device));
            _weights.CheckAllRead();
        }
        catch
        {
            Backbone?.Dispose();
            _weights?.Dispose();
            files.Dispose();
            throw;
        }
        _fingerprint = new Lazy<string>(_weights.Fingerprint);
    }

    public string Directory => _key.Directory;

    /// <summary>The head that Hugging Face's sequence classification puts on it.</summary>
    public HeadLayout Head { get; }

    public Backbone Backbone { get; }

    public HuggingFaceTokenizer Tokenizer { get; }

    /// <summary>What <see cref="Pooling.Auto"/> means for this model.</summary>
    public Pooling Pooling { get; }

    /// <summary>The tokens that end a text.</summary>
    public IReadOnlySet<int> EndIds { get; }

    /// <summary>The program (Jinja) that turns conversations into text; null where the files have none.</summary>
    public string? ChatTemplate { get; }

    public string Fingerprint => _fingerprint.Value;

    /// <summary>How many models are held; for tests.</summary>
    internal static int Count
    {
        get
        {
            lock (Gate)
                return Loaded.Count;
        }
    }

    /// <summary>The model, loaded if it is not; <see cref="Release"/> it once.</summary>
    public static FrozenModel Acquire(string directory, ScalarType type, Device device)
    {
        var key = new Key(directory, type, device.ToString());
        lock (Gate)
        {
            if (!Loaded.TryGetValue(key, out var model))
                Loaded.Add(key, model = new FrozenModel(key));
            model._users++;
            return model;
        }
    }

    /// <summary>One more user of a model that already has one.</summary>
    public FrozenModel Share()
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_users == 0, this);
            _users++;
            return this;
        }
    }

    public void Release()
    {
        lock (Gate)
        {
            if (--_users > 0)
                return;
            Loaded.Remove(_key);
            Backbone.Dispose();
            _weights.Dispose();
        }
    }

    /// <summary>As `generation_config.json` says, else `config.json`, else the tokenizer.</summary>
    private static HashSet<int> ReadEndIds(ConfigFile? generation, ConfigFile config, HuggingFaceTokenizer tokenizer)
    {
        var ids = generation?.IntegersOrNull("eos_token_id") ?? config.IntegersOrNull("eos_token_id");
        return [.. ids ?? (tokenizer.EosId is { } end ? [end] : [])];
    }

    private void CheckVocabulary(ModelConfiguration configuration)
    {
        if (Tokenizer.VocabularySize > configuration.VocabularySize)
        {
            throw new InvalidDataException(
                $"'{_key.Directory}': the tokenizer knows {Tokenizer.VocabularySize} tokens, but the model only {configuration.VocabularySize}; they do not belong together.");
        }
    }

    private static void CheckShape(ConfigFile config, ModelConfiguration configuration)
    {
        if (configuration is EncoderConfiguration && configuration.HiddenSize % configuration.Heads != 0)
            throw new InvalidDataException($"'{config.Path}': the hidden size {configuration.HiddenSize} is no multiple of the {configuration.Heads} attention heads.");
        if (configuration.Heads % configuration.KeyValueHeads != 0)
            throw new InvalidDataException($"'{config.Path}': the {configuration.Heads} attention heads are no multiple of the {configuration.KeyValueHeads} key/value heads.");
        if (configuration is EncoderConfiguration { PaddingId: var padding } && padding >= configuration.VocabularySize)
            throw new InvalidDataException($"'{config.Path}': pad_token_id {padding} is outside the vocabulary of {configuration.VocabularySize}.");
    }

    /// <summary>The pooling of sentence-transformers' `1_Pooling/config.json`; without one, Hugging Face's own.</summary>
    private static Pooling SentencePooling(string directory)
    {
        string path = Path.Combine(directory, "1_Pooling", "config.json");
        if (!File.Exists(path))
            return Pooling.HuggingFace;
        var config = ConfigFile.Read(path);
        if (config.Flag("pooling_mode_mean_tokens"))
            return Pooling.Mean;
        if (config.Flag("pooling_mode_cls_token"))
            return Pooling.Cls;
        throw new NotSupportedException($"'{path}' asks for a pooling that is neither mean nor [CLS]; choose Pooling.Mean, Pooling.Cls or Pooling.HuggingFace yourself after removing that file.");
    }

    private sealed record Key(string Directory, ScalarType Type, string Device);
}
