namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>The download of one commit's files.</summary>
/// <param name="id">With the commit as its revision.</param>
/// <param name="contents">The files that are needed.</param>
/// <param name="cache">Where they come to lie.</param>
/// <param name="client">Where they come from.</param>
/// <param name="options">The limits.</param>
internal sealed class HubTransfer(HubId id, HubContents contents, HubCache cache, HubClient client, HubOptions options)
{
    /// <summary>The files that the cache lacks; of weights in shards, the index is fetched.</summary>
    public async Task<IReadOnlyList<HubFile>> PlanAsync(CancellationToken cancellationToken)
    {
        var files = new List<HubFile>();
        foreach (string name in contents.Required.Concat(contents.Optional))
        {
            if (!await FindAsync(name, files, cancellationToken) && contents.Required.Contains(name))
                throw HubErrors.NoFile(id, name, options, "a model needs it; in Python, AutoTokenizer.from_pretrained(...).save_pretrained(directory) writes it where the tokenizer has a fast form");
        }
        if (!await FindAsync(contents.Weights, files, cancellationToken))
        {
            foreach (string shard in await ShardsAsync(cancellationToken))
            {
                if (!await FindAsync(shard, files, cancellationToken))
                    throw HubErrors.NoFile(id, shard, options, $"its '{contents.Index}' names it, so the repository is incomplete: try another revision");
            }
        }
        return files;
    }

    /// <summary>Downloads files, once it is clear that all of them may and can be.</summary>
    public async Task RunAsync(IReadOnlyList<HubFile> files, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        foreach (var file in files)
        {
            long limit = file.Name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? options.MaxJsonSize : options.MaxWeightsSize;
            if (file.Size > limit)
                throw HubErrors.TooLarge(file, limit);
        }
        long needed = files.Sum(file => file.Size - cache.BytesOf(file));
        if (needed > 0 && cache.FreeSpace() is var free && free < needed)
            throw HubErrors.NoSpace(id, needed, free, options);

        var download = new HubDownload(client, cache, options);
        long total = files.Sum(file => file.Size), done = 0;
        foreach (var file in files)
        {
            await download.RunAsync(file, bytes => progress?.Report(new DownloadProgress(file.Name, done + bytes, total)), cancellationToken);
            done += file.Size;
        }
    }

    /// <summary>Whether the commit has a file, which is added to the list if the cache lacks it.</summary>
    private async Task<bool> FindAsync(string name, List<HubFile> files, CancellationToken cancellationToken)
    {
        if (cache.Has(id.Revision, name))
            return true;
        if (cache.IsAbsent(id.Revision, name))
            return false;
        if (await client.FindAsync(id, name, cancellationToken) is { } file)
        {
            files.Add(file);
            return true;
        }
        cache.MarkAbsent(id.Revision, name);
        return false;
    }

    private async Task<IReadOnlyList<string>> ShardsAsync(CancellationToken cancellationToken)
    {
        var index = new List<HubFile>();
        if (contents.Index is null || !await FindAsync(contents.Index, index, cancellationToken))
            throw await NoWeightsAsync(cancellationToken);
        await RunAsync(index, null, cancellationToken);
        return Checkpoint.ShardNames(cache.Location(id.Revision, contents.Index));
    }

    private async Task<Exception> NoWeightsAsync(CancellationToken cancellationToken)
    {
        foreach (string pickle in contents.Pickles)
        {
            if (await client.FindAsync(id, pickle, cancellationToken) is not null)
                return HubErrors.Pickle(id, pickle, contents.Weights);
        }
        return HubErrors.NoFile(id, contents.Weights, options, contents.Advice(id, await client.ListAsync(id, cancellationToken)));
    }
}
