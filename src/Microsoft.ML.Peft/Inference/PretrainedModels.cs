using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Checkpoints.Hub;

namespace Microsoft.ML.Peft;

/// <summary>The frozen models on this machine: those in folders, found by their names, and the cache of the Hugging Face hub.</summary>
public static class PretrainedModels
{
    /// <summary>
    /// The folders in which models are found by name, one subfolder or `.gguf` file each: those of the environment variable `PEFTML_MODELS`,
    /// `models` beside the program, and the repository's own `models` in a build of it.
    /// </summary>
    public static IReadOnlyList<string> Folders => ModelLocator.Folders();

    /// <summary>The paths of all models in <see cref="Folders"/>: directories in Hugging Face layout and `.gguf` files, the first of each name.</summary>
    public static IReadOnlyList<string> Local => ModelLocator.All();

    /// <summary>The cache that all Hugging Face libraries share; `HF_HUB_CACHE` and `HF_HOME` move it.</summary>
    /// <exception cref="ArgumentException">An environment variable holds what cannot be used.</exception>
    public static string CacheDirectory => HubOptions.FromEnvironment().CacheDirectory;

    /// <summary>The repositories in the cache, by name: models and adapters, from whichever library.</summary>
    /// <exception cref="ArgumentException">An environment variable holds what cannot be used.</exception>
    public static IReadOnlyList<CachedRepository> Cached()
    {
        var options = HubOptions.FromEnvironment();
        return [.. HubCache.Repositories(options).Select(name =>
        {
            var cache = new HubCache(options, name);
            return new CachedRepository(name, cache.Root, cache.Bytes, cache.LastWriteTime, cache.Refs, cache.Commits);
        })];
    }

    /// <summary>Lets the cache have a model or an adapter; only what is missing is downloaded, as in <see cref="PretrainedModel.FromHubAsync(string, IProgress{DownloadProgress}?, CancellationToken)"/>.</summary>
    /// <param name="id">`owner/name`, `owner/name@revision` or `owner/name:file.gguf`.</param>
    /// <param name="isAdapter">Whether it is an adapter of Hugging Face PEFT and no model.</param>
    /// <param name="progress">Told how far the download is.</param>
    /// <param name="cancellationToken">Ends the download; what has arrived is kept for the next one.</param>
    /// <returns>The directory or `.gguf` file in the cache.</returns>
    /// <inheritdoc cref="PretrainedModel.FromHubAsync(string, IProgress{DownloadProgress}?, CancellationToken)" path="/exception"/>
    public static async Task<string> DownloadAsync(string id, bool isAdapter = false, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var parsed = HubId.Parse(id, nameof(id));
        var options = HubOptions.FromEnvironment();
        var (repository, check) = isAdapter
            ? (HubRepository.Adapter(parsed, options), (Action<string>)(path => AdapterConfiguration.Read(path)))
            : (HubRepository.Model(parsed, options), path => Backbones.Families.ModelFamilies.Of(Backbones.ConfigFile.Read(path)));
        var snapshot = await Task.Run(() => repository.GetAsync(check, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
        return snapshot.Path;
    }

    /// <summary>Removes a repository with all its revisions from the cache. It is downloaded again when it is next asked for.</summary>
    /// <param name="repository">`owner/name`.</param>
    /// <returns>The bytes that it took.</returns>
    /// <exception cref="ArgumentException">That is no repository's name, or names a revision or file of it.</exception>
    /// <exception cref="DirectoryNotFoundException">The cache does not have it.</exception>
    /// <exception cref="UnauthorizedAccessException">The cache is not writable.</exception>
    /// <exception cref="IOException">A file of it is in use.</exception>
    public static long Remove(string repository)
    {
        var id = HubId.Parse(repository, nameof(repository));
        if (id.Repository != repository)
            throw new ArgumentException($"'{repository}' is one revision or file; a repository is removed as a whole: give '{id.Repository}'.", nameof(repository));
        var options = HubOptions.FromEnvironment();
        if (!HubCache.Repositories(options).Contains(repository))
            throw new DirectoryNotFoundException($"The cache '{options.CacheDirectory}' has no repository '{repository}'.");
        return new HubCache(options, repository).Remove();
    }
}

/// <summary>A repository in the cache of the Hugging Face hub.</summary>
/// <param name="Repository">`owner/name`.</param>
/// <param name="Directory">Its folder.</param>
/// <param name="Bytes">The bytes of its files, each counted once.</param>
/// <param name="LastWriteTime">When a file last came, in local time.</param>
/// <param name="Refs">Branches and tags, with the commits that they were when they were last looked up.</param>
/// <param name="Commits">The commits of which there are files.</param>
public sealed record CachedRepository(
    string Repository, string Directory, long Bytes, DateTime LastWriteTime, IReadOnlyList<KeyValuePair<string, string>> Refs, IReadOnlyList<string> Commits);
