using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Checkpoints.Hub;

namespace Microsoft.ML.Peft;

/// <summary>Adapters from the Hugging Face hub.</summary>
public sealed partial class PeftModel
{
    /// <summary>
    /// Loads an adapter of Hugging Face PEFT from the hub, from or by way of the cache and under the environment variables that
    /// <see cref="PretrainedModel.FromHubAsync(string, IProgress{DownloadProgress}?, CancellationToken)"/> describes.
    /// </summary>
    /// <param name="backbone">The frozen model that it was trained on. It may be disposed before this model.</param>
    /// <param name="id">`owner/name`, or `owner/name@revision` for a branch, tag or commit.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Ends a download; what has arrived is kept for the next one.</param>
    /// <exception cref="ArgumentException">The id is none, or an environment variable holds what cannot be used.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such repository or revision, or offline none in the cache.</exception>
    /// <exception cref="FileNotFoundException">The repository, or offline the cache, lacks a file.</exception>
    /// <exception cref="UnauthorizedAccessException">The repository is private or gated, or the cache is not writable.</exception>
    /// <exception cref="IOException">The hub cannot be reached, or the disk is full.</exception>
    /// <exception cref="InvalidDataException">What arrived is not what the hub states, a file is damaged, or does not fit the frozen model.</exception>
    /// <exception cref="NotSupportedException">It is an adapter of another kind, or stored as a pickle.</exception>
    public static Task<PeftModel> FromHubAsync(
        PretrainedModel backbone, string id, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        return FromHubAsync(backbone, HubId.Parse(id, nameof(id)), HubOptions.FromEnvironment(), progress, cancellationToken);
    }

    internal static async Task<PeftModel> FromHubAsync(
        PretrainedModel backbone, HubId id, HubOptions options, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        var repository = HubRepository.Adapter(id, options);
        using var model = backbone.Share();
        return await System.Threading.Tasks.Task.Run(async () =>
        {
            var snapshot = await repository.GetAsync(path => AdapterConfiguration.Read(path), progress, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            return Load(model, snapshot.Path);
        }, cancellationToken);
    }
}
