namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>The files of a repository that are needed. No others are downloaded.</summary>
/// <param name="Configuration">Comes first: what it describes may not be supported. Null where the weights hold it.</param>
/// <param name="Required">Further files that have to be there.</param>
/// <param name="Optional">Files that many repositories do without.</param>
/// <param name="Weights">The file of all weights.</param>
/// <param name="Index">Names the files that the weights are spread over where there is no such file; null where they never are.</param>
/// <param name="Pickles">What a repository may hold instead, and is refused.</param>
internal sealed record HubContents(
    string? Configuration, IReadOnlyList<string> Required, IReadOnlyList<string> Optional, string Weights, string? Index, IReadOnlyList<string> Pickles)
{
    private const int MostNames = 10;

    public static HubContents Adapter { get; } = new(
        AdapterDirectory.ConfigurationName, [], ["head.json", "head.safetensors", "generation.json", "label_words.json", "training_state.safetensors"],
        AdapterDirectory.TensorsName, null, ["adapter_model.bin"]);

    private static readonly HubContents Directory = new(
        "config.json", ["tokenizer.json"], ["generation_config.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json", "1_Pooling/config.json"],
        Checkpoint.FileName, Checkpoint.IndexName, ["pytorch_model.bin", "pytorch_model.bin.index.json"]);

    public static HubContents Model(HubId id) => id.File is { } file ? new HubContents(null, [], [], file, null, []) : Directory;

    /// <summary>What the cache lacks of a commit.</summary>
    public IEnumerable<string> Missing(HubCache cache, string commit)
    {
        var needed = Configuration is null ? Required : Required.Prepend(Configuration);
        return needed.Concat(WeightFiles(cache, commit)).Where(name => !cache.Has(commit, name));
    }

    /// <summary>The optional files of which the cache does not say whether the commit has them.</summary>
    public IEnumerable<string> Undecided(HubCache cache, string commit) => Optional.Where(name => !cache.Has(commit, name) && !cache.IsAbsent(commit, name));

    /// <summary>What to do about a repository that holds something else.</summary>
    /// <param name="id">The repository.</param>
    /// <param name="names">Its files; null where they are not known.</param>
    public string Advice(HubId id, IReadOnlyList<string>? names)
    {
        names ??= [];
        string[] gguf = [.. names.Where(name => name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))];
        if (this != Adapter && gguf.Length > 0)
            return $"it has GGUF files, of which one can be given as {id with { File = gguf[0] }}: {string.Join(", ", gguf.Take(MostNames))}{(gguf.Length > MostNames ? ", ..." : "")}";
        if (this != Adapter && names.Contains(Adapter.Configuration))
            return "it holds an adapter, which PeftModel.FromHubAsync loads onto its base model";
        return this == Adapter && names.Contains(Directory.Configuration)
            ? "it holds a model and no adapter, so use PretrainedModel.FromHubAsync"
            : "check that it is the right repository";
    }

    private IEnumerable<string> WeightFiles(HubCache cache, string commit) =>
        Index is not null && !cache.Has(commit, Weights) && cache.Has(commit, Index) ? Checkpoint.ShardNames(cache.Location(commit, Index)) : [Weights];
}
