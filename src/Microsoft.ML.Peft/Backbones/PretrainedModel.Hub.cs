using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Backbones.Families;
using Microsoft.ML.Peft.Checkpoints.Hub;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft;

/// <summary>Models from the Hugging Face hub.</summary>
public sealed partial class PretrainedModel
{
    /// <summary>
    /// Loads a model from the Hugging Face hub: from the cache that all Hugging Face libraries share if it is there, without a look at
    /// the network; else it is downloaded into that cache first, only the files that are needed, each checked against the hub's hash.
    /// A download that was cut goes on where it ended.
    /// </summary>
    /// <remarks>
    /// The environment variables of Hugging Face's own libraries apply: `HF_HOME`, `HF_HUB_CACHE` (where the cache is), `HF_ENDPOINT` (a
    /// mirror), `HF_TOKEN` or the token file of `hf auth login` (for private and gated models; sent to the hub alone), `HF_HUB_OFFLINE`,
    /// `HF_HUB_DOWNLOAD_TIMEOUT` (seconds without a byte, default 30).
    /// </remarks>
    /// <param name="id">
    /// `owner/name`, or `owner/name@revision` for a branch, tag or commit (default `main`), or with `:file.gguf` behind it for one GGUF file of
    /// the repository. A branch means what it was when it was downloaded; a commit always means the same.
    /// </param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Ends a download; what has arrived is kept for the next one.</param>
    /// <exception cref="ArgumentException">The id is none, or an environment variable holds what cannot be used.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such repository or revision, or offline none in the cache.</exception>
    /// <exception cref="FileNotFoundException">The repository, or offline the cache, lacks a file.</exception>
    /// <exception cref="UnauthorizedAccessException">The repository is private or gated, or the cache is not writable.</exception>
    /// <exception cref="IOException">The hub cannot be reached, or the disk is full.</exception>
    /// <exception cref="InvalidDataException">What arrived is not what the hub states, or a file is damaged.</exception>
    /// <exception cref="NotSupportedException">The architecture is not supported, or the weights are pickles.</exception>
    public static Task<PretrainedModel> FromHubAsync(string id, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        FromHubAsync(id, Precision.Auto, null, progress, cancellationToken);

    /// <inheritdoc cref="FromHubAsync(string, IProgress{DownloadProgress}?, CancellationToken)"/>
    /// <param name="id">`owner/name`, `owner/name@revision` or `owner/name:file.gguf`.</param>
    /// <param name="precision">The number format of the frozen weights; a checkpoint in another one is converted.</param>
    /// <param name="device">Where the model computes. Null: the CPU.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Ends a download; what has arrived is kept for the next one.</param>
    public static Task<PretrainedModel> FromHubAsync(
        string id, Precision precision, Device? device = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        FromHubAsync(HubId.Parse(id, nameof(id)), HubOptions.FromEnvironment(), precision, device, progress, cancellationToken);

    internal static Task<PretrainedModel> FromHubAsync(
        HubId id, HubOptions options, Precision precision, Device? device, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken) => Task.Run(async () =>
        {
            // Before a long download: what the arguments or the configuration rule out. A GGUF file holds its own configuration.
            _ = Precisions.Resolve(precision, device ?? CPU);
            var snapshot = await HubRepository.Model(id, options).GetAsync(path => ModelFamilies.Of(ConfigFile.Read(path)), progress, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            return Open(snapshot.Path, snapshot.Id.ToString(), snapshot.Id, precision, device);
        }, cancellationToken);

    /// <summary>For a name that is no directory: a mistyped path may look like an id.</summary>
    internal static PretrainedModel LoadFromHub(
        HubId id, HubOptions options, Precision precision, Device? device, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            return FromHubAsync(id, options, precision, device, progress, cancellationToken).GetAwaiter().GetResult();
        }
        catch (DirectoryNotFoundException e)
        {
            throw new DirectoryNotFoundException($"'{id}' is no directory here, nor to be had from the hub: {e.Message}", e);
        }
        catch (HubUnavailableException e)
        {
            throw new IOException($"'{id}' is no directory here, nor to be had from the hub: {e.Message}", e);
        }
    }

    /// <summary>What a saved adapter calls a model from the hub; null for other names, which may look alike.</summary>
    private static HubId? PinnedOnHub(string name) => HubId.TryParse(name, out var id) && HubId.IsCommit(id.Revision) ? id : null;

    /// <summary>A commit never changes: what is downloaded is what the adapter was trained on, unless its files were not the hub's.</summary>
    private static PretrainedModel FindOnHub(HubId id, string fingerprint, Precision precision, Device? device)
    {
        PretrainedModel model;
        try
        {
            model = FromHubAsync(id, HubOptions.FromEnvironment(), precision, device, null, CancellationToken.None).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new FileNotFoundException($"The base model '{id}' (fingerprint {fingerprint}) was not found and could not be downloaded. {e.Message}", e);
        }
        if (model.Fingerprint == fingerprint)
            return model;
        string directory = model.Directory;
        model.Dispose();
        throw new FileNotFoundException(
            $"The base model '{id}' in '{directory}' has other weights than those that the adapter was trained on (fingerprint {fingerprint}); put its original directory into one of " +
            $"{Checkpoints.ModelLocator.Listed(Checkpoints.ModelLocator.Folders())}, or name the folder that holds it in {Checkpoints.ModelLocator.FoldersVariable}.");
    }
}
