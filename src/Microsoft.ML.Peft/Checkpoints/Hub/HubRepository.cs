namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>A model or adapter on the hub: taken from the cache where that has it, else downloaded into it.</summary>
internal sealed class HubRepository(HubId id, HubContents contents, HubOptions options)
{
    private readonly HubCache _cache = new(options, id.Repository);

    public static HubRepository Model(HubId id, HubOptions options) => new(id, HubContents.Model(id), options);

    public static HubRepository Adapter(HubId id, HubOptions options) => id.File is null
        ? new HubRepository(id, HubContents.Adapter, options)
        : throw new ArgumentException($"'{id}' is a GGUF file, but an adapter is a whole repository; give owner/name or owner/name@revision.");

    /// <summary>What the cache holds, without a look at the network; null where something is missing.</summary>
    public HubSnapshot? Cached() => _cache.Commit(id.Revision) is { } commit && !contents.Missing(_cache, commit).Any() ? Snapshot(commit) : null;

    /// <summary>
    /// What the cache holds, downloaded if something is missing. A branch that has moved on since counts as held: a cached model
    /// stays what it is, and needs no network.
    /// </summary>
    /// <param name="check">Given the configuration's path before anything large is downloaded; throws where it cannot be used.</param>
    /// <param name="progress">Told how far the download is, on the thread that downloads.</param>
    /// <param name="cancellationToken">Ends the download; what has arrived is kept.</param>
    public async Task<HubSnapshot> GetAsync(Action<string>? check, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        var held = Cached();
        if (options.Offline)
            return held ?? throw Offline();
        if (held is null)
            return await DownloadAsync(check, progress, cancellationToken);
        if (contents.Undecided(_cache, held.Id.Revision).Any())
            await CompleteAsync(held, cancellationToken);
        return held;
    }

    private async Task<HubSnapshot> DownloadAsync(Action<string>? check, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        using var client = new HubClient(options);
        string firstName = contents.Configuration ?? contents.Weights;
        var first = await client.FindAsync(id, firstName, cancellationToken)
            ?? throw HubErrors.NoFile(id, firstName, options, contents.Advice(id, await client.ListAsync(id, cancellationToken)));
        // From here on by the commit: a branch may move meanwhile, and the files have to belong together.
        var transfer = new HubTransfer(first.Id, contents, _cache, client, options);
        IReadOnlyList<HubFile> files = [first];
        if (contents.Configuration is not null)
        {
            await transfer.RunAsync(files, null, cancellationToken);
            check?.Invoke(_cache.Location(first.Commit, firstName));
            files = await transfer.PlanAsync(cancellationToken);
        }
        await transfer.RunAsync(files, progress, cancellationToken);
        _cache.WriteRef(id.Revision, first.Commit);
        return Snapshot(first.Commit);
    }

    /// <summary>
    /// Another library cached the model without files that it has no use for. They are fetched if the hub can be reached; if not,
    /// the model is used as it is, as it would be offline.
    /// </summary>
    private async Task CompleteAsync(HubSnapshot held, CancellationToken cancellationToken)
    {
        var hasty = options with { Retries = 0, ConnectTimeout = Least(options.ConnectTimeout, 3), StallTimeout = Least(options.StallTimeout, 10) };
        using var client = new HubClient(hasty);
        var transfer = new HubTransfer(held.Id, contents, _cache, client, hasty);
        try
        {
            await transfer.RunAsync(await transfer.PlanAsync(cancellationToken), null, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            // What is cached suffices.
        }
    }

    private static TimeSpan Least(TimeSpan time, int seconds) => time.TotalSeconds < seconds ? time : TimeSpan.FromSeconds(seconds);

    private HubSnapshot Snapshot(string commit) =>
        new(id with { Revision = commit }, id.File is { } file ? _cache.Location(commit, file) : _cache.Snapshot(commit));

    private Exception Offline()
    {
        var commits = _cache.Commits;
        string? missing = _cache.Commit(id.Revision) is { } commit && commits.Contains(commit) ? contents.Missing(_cache, commit).First() : null;
        return HubErrors.Offline(id, options, missing, commits);
    }
}
