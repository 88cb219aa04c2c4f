using System.Collections.Immutable;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft;

/// <summary>
/// A frozen model with a trained soft prompt, and a head for classification or regression or, in a language model, its own
/// output layer; further adapters over the same frozen model can be added by name. What does not depend on the text is computed once, when
/// an adapter is loaded. Safe to use from many threads at a time.
/// </summary>
public sealed partial class PeftModel : IDisposable
{
    private readonly PretrainedModel _backbone;
    private readonly PeftAdapter _own;
    private readonly Users _users;      // the owner, and every call under way: native memory must outlive them all
    private int _disposed;

    /// <summary>Takes over the adapter; the backbone stays the caller's.</summary>
    internal PeftModel(PretrainedModel backbone, Adapter adapter)
    {
        _backbone = backbone.Share();
        _own = new PeftAdapter(_backbone, adapter);
        _adapters = ImmutableDictionary.Create<string, PeftAdapter>(StringComparer.Ordinal).Add(DefaultAdapter, _own);
        _shelf = new AdapterShelf(_backbone);
        _users = new Users(Free);
    }

    /// <summary>The number of virtual tokens P.</summary>
    public int VirtualTokens => _own.VirtualTokens;

    /// <summary>The label names in the order of the outputs; null where the adapter does not say them.</summary>
    public IReadOnlyList<string>? Labels => _own.Labels;

    /// <summary>The number of outputs: classes, 1 for regression, or the vocabulary of a language model that writes.</summary>
    public int Outputs => _own.Outputs;

    /// <summary>
    /// What each text was put into in training, with the places `{text}` and, for pairs, `{second}`; null where the adapter does not say it, and
    /// for models with a head, which read texts as they are. <see cref="Generate(IReadOnlyList{string}, GenerationOptions?, CancellationToken)"/> takes
    /// prompts as they are given: put a text into the template yourself, as a pipeline does.
    /// <see cref="Classify(IReadOnlyList{string}, IReadOnlyList{string}?)"/> of a model with label words puts the texts into it.
    /// </summary>
    public string? PromptTemplate => _own.PromptTemplate;

    /// <summary>What it predicts. An adapter of Hugging Face PEFT for language modelling is one for generation.</summary>
    public PredictionTask Task => _own.Task;

    /// <summary>What the adapter's files say about it.</summary>
    public AdapterDescription Description => AdapterDescription.Of(Own.Adapter, _backbone);

    internal PretrainedModel Backbone => _backbone;

    /// <summary>The model's own adapter, which is always in memory.</summary>
    private LoadedAdapter Own => _own.Loaded!;

    private Backbone Transformer => _backbone.Frozen.Backbone;

    /// <summary>Loads an adapter directory of Hugging Face PEFT (`adapter_config.json`, `adapter_model.safetensors`), or one that <see cref="Save"/> wrote.</summary>
    /// <param name="backbone">The frozen model that it was trained on. It may be disposed before this model.</param>
    /// <param name="directory">The adapter directory.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    /// <exception cref="FileNotFoundException">It lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or does not fit the frozen model.</exception>
    /// <exception cref="NotSupportedException">It is an adapter of another kind, or stored as a pickle.</exception>
    public static PeftModel Load(PretrainedModel backbone, string directory)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        ArgumentNullException.ThrowIfNull(directory);
        return new PeftModel(backbone, Adapter.Load(backbone, directory));
    }

    /// <summary>The outputs, as Hugging Face's model gives them.</summary>
    /// <param name="inputIds">Token ids with special tokens `[B, T]`, int64, without virtual tokens.</param>
    /// <param name="attentionMask">1 for tokens and 0 for padding `[B, T]`, int64.</param>
    /// <param name="tokenTypeIds">Token types `[B, T]`, int64; null for all 0.</param>
    /// <param name="decoderInputIds">
    /// For an encoder–decoder (T5), and only there: what its decoder reads `[B, T']`, int64, the start token first. Its output at a token
    /// depends on that token and those before it, so padding on the right changes nothing.
    /// </param>
    /// <returns>
    /// Logits `[B, C]`; of a language model `[B, T, V]` at the text's tokens, 0 at padding; of an encoder–decoder `[B, T', V]`. 32-bit, without
    /// gradient; the caller disposes them.
    /// </returns>
    /// <exception cref="ArgumentException">A tensor has another shape or type, a value is out of range, or the decoder's tokens are missing or too much.</exception>
    public Tensor Forward(Tensor inputIds, Tensor attentionMask, Tensor? tokenTypeIds = null, Tensor? decoderInputIds = null)
    {
        using var use = Use();
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var (batch, places) = TokenBatch.Checked(inputIds, attentionMask, tokenTypeIds, Transformer, _own.VirtualTokens);
        var outputs = inputIds;
        if (Transformer is EncoderDecoder)
            (batch, places, outputs) = WithTarget(batch, decoderInputIds);
        else if (decoderInputIds is not null)
            throw new ArgumentException($"Only an encoder–decoder reads tokens for its decoder, but '{_backbone.Name}' is none; leave them out.", nameof(decoderInputIds));
        var logits = Own.Adapter.Head is { } head
            ? head.Forward(Transformer, batch, Own.Prompt)
            : TokenBatch.Pad(((LanguageModel)Transformer).Logits(Transformer.Forward(batch, Own.Prompt)), places, outputs.size(0), outputs.size(1));
        return logits.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Saves the adapter: the two files of Hugging Face PEFT, and `head.json` for what they have no place for. A head
    /// whose pooling Hugging Face does not know lies in `head.safetensors` instead of in the adapter's own file.
    /// All files appear or none, even if the process is killed.
    /// </summary>
    /// <param name="directory">Is created if it does not exist. Files of an adapter are replaced, other files in it stay.</param>
    /// <param name="includeTrainingState">
    /// Whether to write `training_state.safetensors`, too, from which a later training goes on (<see cref="SoftPromptOptions.InitialAdapter"/>): the
    /// network of P-tuning or of a projected prefix, many times the size of the adapter. Plain prompts and prefixes do not need it. Default false.
    /// </param>
    /// <exception cref="InvalidOperationException">The training state is asked for, but this model was loaded: only one that was just trained has it.</exception>
    /// <exception cref="IOException">The disk is full or the path unusable.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory is not writable.</exception>
    public void Save(string directory, bool includeTrainingState = false)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        using var use = Use();
        Own.Adapter.Save(directory, includeTrainingState ? _backbone.Fingerprint : null);
    }

    /// <summary>Frees the soft prompt and this use of the frozen model, once calls under way on other threads have ended.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            _users.Leave();
    }

    /// <summary>An adapter from the files that <see cref="ToFiles"/> gave.</summary>
    internal static PeftModel FromFiles(PretrainedModel backbone, IReadOnlyDictionary<string, byte[]> files) =>
        InTemporaryDirectory(directory =>
        {
            foreach (var (name, content) in files)
            {
                if (!Adapter.FileNames.Contains(name))
                    throw new InvalidDataException($"'{name}' is no file of an adapter; an adapter has {string.Join(", ", Adapter.FileNames)}.");
                File.WriteAllBytes(Path.Combine(directory, name), content);
            }
            return Load(backbone, directory);
        });

    /// <summary>The files that <see cref="Save"/> writes, by name.</summary>
    internal IReadOnlyDictionary<string, byte[]> ToFiles() => InTemporaryDirectory(directory =>
    {
        Save(directory);
        return Directory.EnumerateFiles(directory).ToDictionary(path => Path.GetFileName(path)!, File.ReadAllBytes);
    });

    private (TokenBatch Batch, Tensor Places, Tensor Ids) WithTarget(TokenBatch batch, Tensor? decoderInputIds)
    {
        if (decoderInputIds is null)
            throw new ArgumentNullException(nameof(decoderInputIds), $"'{_backbone.Name}' is an encoder–decoder; give the tokens that its decoder reads, the start token first.");
        if (decoderInputIds.dim() != 2 || decoderInputIds.size(0) != batch.Rows)
            throw new ArgumentException($"The decoder's token ids are [{string.Join(", ", decoderInputIds.shape)}]; give [{batch.Rows}, tokens].", nameof(decoderInputIds));
        var (target, places) = TokenBatch.Checked(decoderInputIds, ones(decoderInputIds.shape, ScalarType.Int64), null, Transformer, 0);
        return (batch with { Target = target }, places, decoderInputIds);
    }

    private Lease Use()
    {
        if (Volatile.Read(ref _disposed) != 0 || !_users.TryEnter())
            throw new ObjectDisposedException(nameof(PeftModel));
        return new Lease(this);
    }

    private void Free()
    {
        foreach (var adapter in _adapters.Values)
            adapter.Release();
        _backbone.Dispose();
    }

    private static T InTemporaryDirectory<T>(Func<string, T> use)
    {
        var directory = Directory.CreateTempSubdirectory("peft-adapter-");
        try
        {
            return use(directory.FullName);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private readonly struct Lease(PeftModel model) : IDisposable
    {
        public void Dispose() => model._users.Leave();
    }
}
