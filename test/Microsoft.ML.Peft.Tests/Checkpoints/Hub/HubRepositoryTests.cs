using System.Text;
using Microsoft.ML.Peft.Checkpoints.Hub;

namespace Microsoft.ML.Peft.Tests.Checkpoints.Hub;

/// <summary>What lies in the cache after a download, and what is then taken from it.</summary>
public sealed class HubRepositoryTests : HubTest
{
    [Fact]
    public async Task Only_the_needed_files_are_downloaded_in_the_standard_layout()
    {
        var files = Model();
        files["README.md"] = files["pytorch_model.bin"] = files["onnx/model.onnx"] = [1, 2, 3];
        files["1_Pooling/config.json"] = Encoding.UTF8.GetBytes("""{"pooling_mode_mean_tokens": true}""");
        string commit = Hub.Add("owner/name", files);

        var snapshot = await GetAsync("owner/name");

        string root = Path.Combine(Options.CacheDirectory, "models--owner--name");
        Assert.Equal(Path.Combine(root, "snapshots", commit), snapshot.Path);
        Assert.Equal($"owner/name@{commit}", snapshot.Id.ToString());
        Assert.Equal(["1_Pooling/config.json", "config.json", "model.safetensors", "tokenizer.json"], FilesIn(snapshot.Path));
        Assert.All(FilesIn(snapshot.Path), name => Assert.Equal(files[name], File.ReadAllBytes(Path.Combine(snapshot.Path, name))));
        Assert.Equal(commit, File.ReadAllText(Path.Combine(root, "refs", "main")));
        Assert.Equal(
            [.. FilesIn(snapshot.Path).Select(name => HubServer.IsLarge(name) ? HubServer.Sha256(files[name]) : HubServer.GitHash(files[name])).Order(StringComparer.Ordinal)],
            FilesIn(Path.Combine(root, "blobs")));
        Assert.Equal(["chat_template.jinja", "generation_config.json", "special_tokens_map.json", "tokenizer_config.json"], FilesIn(Path.Combine(root, ".no_exist", commit)));
    }

    [Fact]
    public async Task Snapshots_are_relative_links_to_the_blobs()
    {
        var files = Model();
        files["1_Pooling/config.json"] = [1];
        Hub.Add("owner/name", files);
        var snapshot = await GetAsync("owner/name");
        Assert.Equal(Path.Combine("..", "..", "blobs", HubServer.Sha256(files["model.safetensors"])), new FileInfo(Path.Combine(snapshot.Path, "model.safetensors")).LinkTarget);
        Assert.Equal(Path.Combine("..", "..", "..", "blobs", HubServer.GitHash([1])), new FileInfo(Path.Combine(snapshot.Path, "1_Pooling", "config.json")).LinkTarget);
    }

    [Fact]
    public async Task Without_symbolic_links_snapshots_hold_the_files()
    {
        var first = Model();
        var second = new Dictionary<string, byte[]>(first) { ["config.json"] = [2] };
        Options = Options with { SymbolicLinks = false };
        Hub.Add("owner/name", first, "first");
        Hub.Add("owner/name", second, "second");
        var snapshots = (await GetAsync("owner/name@first"), await GetAsync("owner/name@second"));
        Assert.All(FilesIn(snapshots.Item1.Path), name => Assert.Null(new FileInfo(Path.Combine(snapshots.Item1.Path, name)).LinkTarget));
        Assert.All(FilesIn(snapshots.Item1.Path), name => Assert.Equal(first[name], File.ReadAllBytes(Path.Combine(snapshots.Item1.Path, name))));
        Assert.All(FilesIn(snapshots.Item2.Path), name => Assert.Equal(second[name], File.ReadAllBytes(Path.Combine(snapshots.Item2.Path, name))));
    }

    [Fact]
    public async Task A_blob_that_links_of_another_snapshot_point_to_is_copied_where_links_are_not_possible()
    {
        var files = Model();
        Hub.Add("owner/name", files, "first");
        Hub.Add("owner/name", new Dictionary<string, byte[]>(files) { ["config.json"] = [2] }, "second");
        var first = await GetAsync("owner/name@first");
        Options = Options with { SymbolicLinks = false };
        var second = await GetAsync("owner/name@second");
        Assert.Equal(files["model.safetensors"], File.ReadAllBytes(Path.Combine(first.Path, "model.safetensors")));
        Assert.Equal(files["model.safetensors"], File.ReadAllBytes(Path.Combine(second.Path, "model.safetensors")));
        Assert.DoesNotContain(FilesIn(Options.CacheDirectory), name => name.EndsWith(".incomplete", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_two_commits_share_is_downloaded_once()
    {
        var files = Model();
        Hub.Add("owner/name", files, "first");
        Hub.Add("owner/name", new Dictionary<string, byte[]>(files) { ["config.json"] = [2] }, "second");
        await GetAsync("owner/name@first");
        await GetAsync("owner/name@second");
        Assert.Equal(1, Hub.Storage!.Count("GET"));
    }

    [Fact]
    public async Task What_is_cached_needs_no_network()
    {
        Hub.Add("owner/name", Model());
        var snapshot = await GetAsync("owner/name");
        int asked = Hub.Requests.Count;
        Assert.Equal(snapshot, await GetAsync("owner/name"));
        Assert.Equal(snapshot, await GetAsync(snapshot.Id.ToString()));
        Assert.Equal(asked, Hub.Requests.Count);
        Options = Options with { Offline = true };
        Assert.Equal(snapshot, await GetAsync("owner/name"));
        Assert.Equal(snapshot, HubRepository.Model(snapshot.Id, Options).Cached());
    }

    [Fact]
    public async Task A_branch_stays_what_it_was_when_it_was_downloaded()
    {
        Hub.Add("owner/name", Model());
        var before = await GetAsync("owner/name");
        string commit = Hub.Add("owner/name", Model(seed: 2));
        Assert.Equal(before, await GetAsync("owner/name"));
        Assert.Equal(commit, (await GetAsync($"owner/name@{commit}")).Id.Revision);
        Assert.Equal(before, await GetAsync("owner/name"));
    }

    [Fact]
    public async Task All_files_are_of_one_commit_though_the_branch_moves_meanwhile()
    {
        var files = Model();
        string commit = Hub.Add("owner/name", files);
        Hub.Script = request =>
        {
            if (request is { Method: "GET" } && request.Path.EndsWith("config.json", StringComparison.Ordinal))
                Hub.Add("owner/name", Model(seed: 2));
            return null;
        };
        var snapshot = await GetAsync("owner/name");
        Assert.Equal(commit, snapshot.Id.Revision);
        Assert.Equal(files["model.safetensors"], File.ReadAllBytes(Path.Combine(snapshot.Path, "model.safetensors")));
    }

    [Fact]
    public async Task A_snapshot_of_another_library_is_used_and_completed()
    {
        var files = Model();
        files["1_Pooling/config.json"] = [1];
        string commit = Hub.Add("owner/name", files);
        CacheByHand("owner/name", commit, files, "config.json", "tokenizer.json", "model.safetensors");
        var snapshot = await GetAsync("owner/name");
        Assert.Equal(["1_Pooling/config.json", "config.json", "model.safetensors", "tokenizer.json"], FilesIn(snapshot.Path));
        Assert.Empty(Hub.Storage!.Requests);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_snapshot_of_another_library_is_used_without_a_network(bool offline)
    {
        var files = Model();
        string commit = Hub.Add("owner/name", files);
        CacheByHand("owner/name", commit, files, "config.json", "tokenizer.json", "model.safetensors");
        Options = Options with { Offline = offline, Endpoint = "http://127.0.0.1:1" };
        Assert.Equal(commit, (await GetAsync("owner/name")).Id.Revision);
    }

    [Fact]
    public async Task A_snapshot_that_lacks_something_is_completed_at_its_commit_or_taken_anew()
    {
        var files = Model();
        string commit = Hub.Add("owner/name", files);
        CacheByHand("owner/name", commit, files, "config.json", "model.safetensors");
        var snapshot = await GetAsync("owner/name");
        Assert.Equal(files["tokenizer.json"], File.ReadAllBytes(Path.Combine(snapshot.Path, "tokenizer.json")));
        Assert.Empty(Hub.Storage!.Requests);
    }

    [Fact]
    public async Task A_link_to_nothing_is_no_file()
    {
        var files = Model();
        Hub.Add("owner/name", files);
        var snapshot = await GetAsync("owner/name");
        File.Delete(Path.Combine(Options.CacheDirectory, "models--owner--name", "blobs", HubServer.Sha256(files["model.safetensors"])));
        Assert.Null(HubRepository.Model(Id("owner/name"), Options).Cached());
        await GetAsync("owner/name");
        Assert.Equal(files["model.safetensors"], File.ReadAllBytes(Path.Combine(snapshot.Path, "model.safetensors")));
    }

    [Fact]
    public async Task A_blob_of_another_size_is_downloaded_again()
    {
        var files = Model();
        Hub.Add("owner/name", files);
        string blobs = Directory.CreateDirectory(Path.Combine(Options.CacheDirectory, "models--owner--name", "blobs")).FullName;
        File.WriteAllBytes(Path.Combine(blobs, HubServer.Sha256(files["model.safetensors"])), files["model.safetensors"][..^1]);
        var snapshot = await GetAsync("owner/name");
        Assert.Equal(files["model.safetensors"], File.ReadAllBytes(Path.Combine(snapshot.Path, "model.safetensors")));
    }

    [Fact]
    public async Task Weights_in_shards_come_as_their_index_says()
    {
        var files = Sharded("""{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}}""");
        Hub.Add("owner/name", files);
        var snapshot = await GetAsync("owner/name");
        Assert.Equal(["config.json", "model-1.safetensors", "model-2.safetensors", "model.safetensors.index.json", "tokenizer.json"], FilesIn(snapshot.Path));
        File.Delete(Path.Combine(snapshot.Path, "model-2.safetensors"));
        Assert.Null(HubRepository.Model(Id("owner/name"), Options).Cached());
    }

    [Theory]
    [InlineData("../../../../evil.safetensors", "not a plain file name")]
    [InlineData("/tmp/evil.safetensors", "not a plain file name")]
    [InlineData("a\\\\evil.safetensors", "not a plain file name")]
    [InlineData("pytorch_model.bin", "no safetensors file")]
    public async Task An_index_that_names_other_places_or_pickles_is_refused(string shard, string fault)
    {
        Hub.Add("owner/name", Sharded($$"""{"weight_map": {"a": "{{shard}}"} }"""));
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GetAsync("owner/name"));
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Hub.Requests, request => request.Path.Contains("evil", StringComparison.Ordinal) || request.Path.EndsWith(".bin", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_shard_that_the_repository_lacks_is_named()
    {
        Hub.Add("owner/name", Sharded("""{"weight_map": {"a": "model-3.safetensors"}}"""));
        var error = await Assert.ThrowsAsync<FileNotFoundException>(() => GetAsync("owner/name"));
        Assert.Contains("has no 'model-3.safetensors' in revision", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pytorch_model.bin")]
    [InlineData("pytorch_model.bin.index.json")]
    public async Task A_repository_with_pickles_only_is_refused_with_the_way_out(string pickle)
    {
        var files = Model();
        files.Remove("model.safetensors");
        files[pickle] = [1];
        Hub.Add("owner/name", files);
        var error = await Assert.ThrowsAsync<NotSupportedException>(() => GetAsync("owner/name"));
        Assert.Contains($"holds '{pickle}', a Python pickle", error.Message, StringComparison.Ordinal);
        Assert.Contains("safe_serialization=True", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, Hub.Count("GET", pickle));
    }

    [Fact]
    public async Task Of_GGUF_files_one_is_chosen()
    {
        byte[] small = Bytes(1000, 1), large = Bytes(2000, 2);
        string commit = Hub.Add("owner/name-GGUF", new Dictionary<string, byte[]> { ["q4.gguf"] = small, ["full/f16.gguf"] = large });
        var snapshot = await GetAsync("owner/name-GGUF:full/f16.gguf");
        Assert.Equal(Path.Combine(Options.CacheDirectory, "models--owner--name-GGUF", "snapshots", commit, "full", "f16.gguf"), snapshot.Path);
        Assert.Equal(large, File.ReadAllBytes(snapshot.Path));
        Assert.Equal(1, Hub.Storage!.Count("GET"));

        var error = await Assert.ThrowsAsync<FileNotFoundException>(() => GetAsync("owner/name-GGUF"));
        Assert.Contains("has no 'config.json' in revision 'main'; it has GGUF files, of which one can be given as owner/name-GGUF:q4.gguf: q4.gguf, full/f16.gguf", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<FileNotFoundException>(() => GetAsync("owner/name-GGUF:q8.gguf"));
        Assert.Contains("has no 'q8.gguf' in revision 'main'; it has GGUF files", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_adapter_comes_with_its_head_and_what_resumes_its_training()
    {
        var files = new Dictionary<string, byte[]>
        {
            ["adapter_config.json"] = [1],
            ["adapter_model.safetensors"] = Bytes(100, 1),
            ["head.json"] = [2],
            ["head.safetensors"] = [3],
            ["generation.json"] = [4],
            ["label_words.json"] = [7],
            ["training_state.safetensors"] = [5],
            ["README.md"] = [6],
        };
        Hub.Add("owner/adapter", files);
        var snapshot = await HubRepository.Adapter(Id("owner/adapter"), Options).GetAsync(null, null, default);
        Assert.Equal([.. files.Keys.Where(name => name != "README.md").Order(StringComparer.Ordinal)], FilesIn(snapshot.Path));
    }

    [Fact]
    public async Task A_model_is_no_adapter_and_an_adapter_no_model()
    {
        Hub.Add("owner/model", Model());
        Hub.Add("owner/adapter", new Dictionary<string, byte[]> { ["adapter_config.json"] = [1], ["adapter_model.safetensors"] = [1] });
        var error = await Assert.ThrowsAsync<FileNotFoundException>(() => HubRepository.Adapter(Id("owner/model"), Options).GetAsync(null, null, default));
        Assert.Contains("no 'adapter_config.json' in revision 'main'; it holds a model and no adapter", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<FileNotFoundException>(() => GetAsync("owner/adapter"));
        Assert.Contains("no 'config.json' in revision 'main'; it holds an adapter, which PeftModel.FromHubAsync loads", error.Message, StringComparison.Ordinal);
        Assert.Contains("an adapter is a whole repository", Assert.Throws<ArgumentException>(() => HubRepository.Adapter(Id("owner/adapter:a.gguf"), Options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pickled_adapter_is_refused()
    {
        Hub.Add("owner/adapter", new Dictionary<string, byte[]> { ["adapter_config.json"] = [1], ["adapter_model.bin"] = [1] });
        var error = await Assert.ThrowsAsync<NotSupportedException>(() => HubRepository.Adapter(Id("owner/adapter"), Options).GetAsync(null, null, default));
        Assert.Contains("holds 'adapter_model.bin', a Python pickle", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configuration_that_is_refused_saves_the_weights_download()
    {
        Hub.Add("owner/name", Model());
        await Assert.ThrowsAsync<NotSupportedException>(() => HubRepository.Model(Id("owner/name"), Options)
            .GetAsync(path => throw new NotSupportedException(File.ReadAllText(path)), null, default));
        Assert.Empty(Hub.Storage!.Requests);
    }

    [Fact]
    public async Task Offline_what_is_not_cached_is_named_with_what_is()
    {
        var files = Model();
        string commit = Hub.Add("owner/name", files);
        Options = Options with { Offline = true };
        string message = (await Assert.ThrowsAsync<DirectoryNotFoundException>(() => GetAsync("owner/name"))).Message;
        Assert.Contains($"'owner/name' is not in the Hugging Face cache '{Options.CacheDirectory}', and HF_HUB_OFFLINE forbids downloading it", message, StringComparison.Ordinal);

        CacheByHand("owner/name", commit, files, "config.json");
        message = (await Assert.ThrowsAsync<FileNotFoundException>(() => GetAsync("owner/name"))).Message;
        Assert.Contains($"holds 'owner/name' without 'tokenizer.json'", message, StringComparison.Ordinal);
        message = (await Assert.ThrowsAsync<DirectoryNotFoundException>(() => GetAsync("owner/name@other"))).Message;
        Assert.Contains($"(cached are the commits {commit})", message, StringComparison.Ordinal);
        Assert.Empty(Hub.Requests);
    }

    [Fact]
    public async Task A_cache_that_cannot_be_written_is_reported()
    {
        Hub.Add("owner/name", Model());
        File.WriteAllText(Options.CacheDirectory, "a file, no folder");
        var error = await Assert.ThrowsAsync<IOException>(() => GetAsync("owner/name"));
        Assert.Contains("in the Hugging Face cache could not be written", error.Message, StringComparison.Ordinal);
        Assert.Contains("HF_HUB_CACHE", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_is_too_small_is_noticed_before_the_weights_are_downloaded()
    {
        Hub.Add("owner/name", Model());
        Options = Options with { FreeSpace = _ => 1000 };
        var error = await Assert.ThrowsAsync<IOException>(() => GetAsync("owner/name"));
        Assert.Contains("'owner/name' takes 5002 bytes, but the disk of the cache", error.Message, StringComparison.Ordinal);
        Assert.Contains("has 1000 left", error.Message, StringComparison.Ordinal);
        Assert.Empty(Hub.Storage!.Requests);
    }

    [Fact]
    public async Task Files_larger_than_such_files_are_are_refused_before_they_are_downloaded()
    {
        Hub.Add("owner/name", Model());
        Options = Options with { MaxWeightsSize = 4999 };
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GetAsync("owner/name"));
        Assert.Contains("'model.safetensors' of 'owner/name' has 5000 bytes, more than the 4999", error.Message, StringComparison.Ordinal);
        Options = Options with { MaxJsonSize = 1 };
        Assert.Contains("'config.json'", (await Assert.ThrowsAsync<InvalidDataException>(() => GetAsync("owner/name"))).Message, StringComparison.Ordinal);
        Assert.Empty(Hub.Storage!.Requests);
    }

    [Fact]
    public async Task Progress_counts_all_files_to_the_end()
    {
        Hub.Add("owner/name", Sharded("""{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}"""));
        var reports = new List<DownloadProgress>();
        await HubRepository.Model(Id("owner/name"), Options).GetAsync(null, new Recorder(reports.Add), default);
        Assert.Equal(["tokenizer.json", "model-1.safetensors", "model-2.safetensors"], reports.Select(report => report.File).Distinct());
        Assert.Equal(reports.Select(report => report.Bytes).Order(), reports.Select(report => report.Bytes));
        Assert.All(reports, report => Assert.Equal(2 + 3_000_000 + 500, report.TotalBytes));
        Assert.Equal(reports[^1].TotalBytes, reports[^1].Bytes);
        Assert.True(reports.Count(report => report.File == "model-1.safetensors") >= 3);
    }

    [Fact]
    public async Task A_cancelled_download_keeps_what_has_arrived()
    {
        byte[] weights = Bytes(3_000_000, 1);
        Hub.Add("owner/name", Model(weights: weights));
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => HubRepository.Model(Id("owner/name"), Options)
            .GetAsync(null, new Recorder(report => { if (report.File == "model.safetensors") cancel.Cancel(); }), cancel.Token));
        Assert.Null(HubRepository.Model(Id("owner/name"), Options).Cached());

        var snapshot = await GetAsync("owner/name");
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(snapshot.Path, "model.safetensors")));
        Assert.InRange(Hub.Storage!.Requests.Last().From ?? 0, 1 << 20, weights.Length - 1);
    }

    [Fact]
    public async Task Many_at_once_download_once()
    {
        Hub.Add("owner/name", Model());
        var snapshots = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => GetAsync("owner/name"))));
        Assert.Single(snapshots.Distinct());
        Assert.Equal(1, Hub.Storage!.Count("GET"));
    }

    private static Dictionary<string, byte[]> Sharded(string index) => new()
    {
        ["config.json"] = [1, 2],
        ["tokenizer.json"] = [3, 4],
        ["model.safetensors.index.json"] = Encoding.UTF8.GetBytes(index),
        ["model-1.safetensors"] = Bytes(3_000_000, 1),
        ["model-2.safetensors"] = Bytes(500, 2),
    };

    private sealed class Recorder(Action<DownloadProgress> report) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => report(value);
    }
}
