using System.Text.Json;
using Microsoft.ML.Peft.Backbones.Families;
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
    private readonly Checkpoint _checkpoint;
    private readonly Lazy<string> _fingerprint;
    private int _users;

    private FrozenModel(Key key)
    {
        _key = key;
        var config = ConfigFile.Read(Path.Combine(key.Directory, "config.json"));
        var family = ModelFamilies.Of(config);
        var plan = family.Plan(config);
        var configuration = plan.Configuration;
        CheckShape(config, configuration);
        Head = family.Head;
        Tokenizer = HuggingFaceTokenizer.Load(Path.Combine(key.Directory, "tokenizer.json"));
        if (Tokenizer.VocabularySize > configuration.VocabularySize)
        {
            throw new InvalidDataException(
                $"'{key.Directory}': tokenizer.json knows {Tokenizer.VocabularySize} tokens, but config.json only {configuration.VocabularySize}; they do not belong together.");
        }
        Pooling = SentencePooling(key.Directory);
        EndIds = ReadEndIds(config, Tokenizer);
        _checkpoint = Checkpoint.Open(key.Directory);
        try
        {
            Backbone = plan.Load(_checkpoint, key.Type, new Device(key.Device));
        }
        catch
        {
            _checkpoint.Dispose();
            throw;
        }
        _fingerprint = new Lazy<string>(_checkpoint.Fingerprint);
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
            _checkpoint.Dispose();
        }
    }

    /// <summary>As `generation_config.json` says, else `config.json`, else the tokenizer.</summary>
    private static HashSet<int> ReadEndIds(ConfigFile config, HuggingFaceTokenizer tokenizer)
    {
        string generation = Path.Combine(Path.GetDirectoryName(config.Path)!, "generation_config.json");
        var ids = (File.Exists(generation) ? ConfigFile.Read(generation).IntegersOrNull("eos_token_id") : null) ?? config.IntegersOrNull("eos_token_id");
        return [.. ids ?? (tokenizer.EosId is { } end ? [end] : [])];
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
