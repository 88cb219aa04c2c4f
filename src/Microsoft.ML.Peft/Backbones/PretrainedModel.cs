using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Checkpoints.Hub;
using Microsoft.ML.Peft.Tokenization;
using Microsoft.ML.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft;

/// <summary>
/// A frozen transformer with its tokenizer: the backbone that soft prompts are trained on. Its weights are held once per
/// process, whoever else loads the same model; disposing this one harms no other.
/// </summary>
public sealed partial class PretrainedModel : IDisposable
{
    private FrozenModel? _model;

    private PretrainedModel(FrozenModel model, string name, HubId? hub)
    {
        _model = model;
        Name = name;
        Hub = hub;
    }

    /// <summary>The model's shape.</summary>
    public ModelConfiguration Configuration => Frozen.Backbone.Configuration;

    /// <summary>The model's tokenizer, without the special tokens that <see cref="Encode"/> adds.</summary>
    public Tokenizer Tokenizer => Frozen.Tokenizer;

    /// <summary>The number format of the frozen weights: <see cref="Precision.Float32"/> or <see cref="Precision.BFloat16"/>.</summary>
    public Precision Precision => Frozen.Backbone.Type == ScalarType.BFloat16 ? Precision.BFloat16 : Precision.Float32;

    /// <summary>The directory or `.gguf` file that the model was loaded from.</summary>
    public string Directory => Frozen.Directory;

    /// <summary>The embedded model's name, the path that was given, or repository and commit on the hub: how a saved pipeline refers to it.</summary>
    internal string Name { get; }

    /// <summary>Repository and commit of a model from the hub; null for others.</summary>
    internal HubId? Hub { get; }

    /// <summary>Tells models with different weights apart, wherever their files lie.</summary>
    internal string Fingerprint => Frozen.Fingerprint;

    internal FrozenModel Frozen => _model ?? throw new ObjectDisposedException(nameof(PretrainedModel));

    internal HuggingFaceTokenizer Words => Frozen.Tokenizer;

    /// <summary>Loads a frozen model.</summary>
    /// <param name="model">
    /// A directory in Hugging Face layout: `config.json`, `model.safetensors` (or shards with their index) and `tokenizer.json`; or a
    /// `.gguf` file; or the name of either in a folder of the environment variable `PEFTML_MODELS`, where a file's ending and quantisation may be left out
    /// (`SmolLM2-135M-Instruct`, the embedded language model); or, where there is none of these, a model on the Hugging Face hub as in
    /// <see cref="FromHubAsync(string, IProgress{DownloadProgress}?, CancellationToken)"/>. Null: the embedded `all-MiniLM-L6-v2`.
    /// </param>
    /// <param name="precision">The number format of the frozen weights; a checkpoint in another one is converted.</param>
    /// <param name="device">Where the model computes. Null: the CPU.</param>
    /// <exception cref="ArgumentException">The model is an empty text, or a name that stands for several files.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such model; the message lists where it was looked for.</exception>
    /// <exception cref="FileNotFoundException">The directory lacks one of the files.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the files do not belong together.</exception>
    /// <exception cref="NotSupportedException">The architecture or file format is not supported; the message lists those that are.</exception>
    /// <exception cref="UnauthorizedAccessException">The hub asks for a token that may read the model.</exception>
    /// <exception cref="IOException">The model could not be downloaded.</exception>
    public static PretrainedModel Load(string? model = null, Precision precision = Precision.Auto, Device? device = null) =>
        Load(model, precision, device, null, CancellationToken.None);

    /// <summary>Token ids of a text, or of a pair of texts, with the model's special tokens.</summary>
    /// <param name="text">The text; null counts as empty.</param>
    /// <param name="secondText">The second text of a pair, or null.</param>
    /// <returns>At most as many tokens as the model has positions; longer texts are cut.</returns>
    public TokenizedText Encode(string? text, string? secondText = null) => Words.Encode(text ?? "", secondText, Configuration.MaxPositions);

    /// <summary>Gives up this use of the model; the weights are freed with the last one.</summary>
    public void Dispose() => Interlocked.Exchange(ref _model, null)?.Release();

    /// <param name="model">As in <see cref="Load(string?, Precision, Device?)"/>.</param>
    /// <param name="precision">The number format of the frozen weights.</param>
    /// <param name="device">Where the model computes. Null: the CPU.</param>
    /// <param name="progress">Told how far a download is, on the thread that downloads.</param>
    /// <param name="cancellationToken">Ends a download.</param>
    internal static PretrainedModel Load(string? model, Precision precision, Device? device, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        if (model is not null && string.IsNullOrWhiteSpace(model))
            throw new ArgumentException("The model is an empty text; give a directory, or null for the embedded default.", nameof(model));
        string name = model ?? ModelLocator.DefaultEncoder;
        return ModelLocator.Find(name) is null && HubId.TryParse(name, out var id)
            ? LoadFromHub(id, HubOptions.FromEnvironment(), precision, device, progress, cancellationToken)
            : Open(ModelLocator.Resolve(name), name, null, precision, device);
    }

    /// <summary>The model that a saved adapter was trained on, found by name and fingerprint, or downloaded again where it came from.</summary>
    /// <exception cref="FileNotFoundException">It was not found; the message says what to put where.</exception>
    internal static PretrainedModel Find(string name, string fingerprint, Precision precision, Device? device)
    {
        var hub = PinnedOnHub(name);
        var others = new List<string>();
        foreach (string directory in ModelLocator.Candidates(name))
        {
            string? found = TryFingerprint(directory);
            if (found is null)
                continue;
            if (found == fingerprint)
                return Open(directory, name, hub, precision, device);
            others.Add(directory);
        }
        if (hub is not null)
            return FindOnHub(hub, fingerprint, precision, device);
        string seen = others.Count == 0 ? "" : $" Other models lie in {ModelLocator.Listed(others)}: their weights are not those it was trained on.";
        throw new FileNotFoundException(
            $"The base model '{name}' (fingerprint {fingerprint}) was not found.{seen} Put its directory (config.json, model.safetensors, tokenizer.json) back where it was, " +
            $"or into one of {ModelLocator.Listed(ModelLocator.Folders())}, or name the folder that holds it in {ModelLocator.FoldersVariable}.");
    }

    /// <summary>Another use of the same model.</summary>
    internal PretrainedModel Share() => new(Frozen.Share(), Name, Hub);

    private static PretrainedModel Open(string directory, string name, HubId? hub, Precision precision, Device? device)
    {
        device ??= CPU;
        return new PretrainedModel(FrozenModel.Acquire(directory, Precisions.Resolve(precision, device), device), name, hub);
    }

    /// <summary>The fingerprint, or null where the folder holds no weights that can be read: it then is not the one looked for.</summary>
    private static string? TryFingerprint(string directory)
    {
        try
        {
            using var weights = ModelFiles.At(directory).OpenWeights();
            return weights.Fingerprint();
        }
        catch (Exception e) when (e is IOException or InvalidDataException or NotSupportedException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
