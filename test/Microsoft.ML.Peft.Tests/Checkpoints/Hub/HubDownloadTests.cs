using Microsoft.ML.Peft.Checkpoints.Hub;

namespace Microsoft.ML.Peft.Tests.Checkpoints.Hub;

/// <summary>Downloads over bad connections and from servers that lie: what is cached is what the hub states, or nothing.</summary>
public sealed class HubDownloadTests : HubTest
{
    private readonly byte[] _weights = Bytes(100_000, 1);

    private readonly string _commit;

    public HubDownloadTests() => _commit = Hub.Add("owner/name", Model(weights: _weights));

    [Fact]
    public async Task A_cut_connection_is_resumed_where_it_broke_off()
    {
        FirstFromStorage(answer => answer with { CutAfter = 40_000 });
        await AssertDownloadedAsync();
        Assert.Equal([null, 40_000], Hub.Storage!.Requests.Select(request => request.From));
    }

    [Fact]
    public async Task An_end_without_a_stated_length_is_noticed()
    {
        FirstFromStorage(answer => answer with { Body = answer.Body[..40_000], StatesLength = false });
        await AssertDownloadedAsync();
        Assert.Equal([null, 40_000], Hub.Storage!.Requests.Select(request => request.From));
    }

    [Fact]
    public async Task What_is_cut_again_and_again_is_given_up_and_resumed_by_the_next_call()
    {
        Hub.Storage!.Script = request => Content(request) with { CutAfter = 10_000 };
        Options = Options with { Retries = 2 };
        var error = await Assert.ThrowsAnyAsync<IOException>(() => GetAsync("owner/name"));
        Assert.Contains("The download of 'model.safetensors' from 'owner/name' broke off", error.Message, StringComparison.Ordinal);
        Assert.Contains("what has arrived is kept", error.Message, StringComparison.Ordinal);
        AssertNotCached();
        Assert.Equal(_weights[..30_000], File.ReadAllBytes(Partial));

        Hub.Storage.Script = _ => null;
        await AssertDownloadedAsync();
        Assert.Equal(30_000, Hub.Storage.Requests.Last().From);
    }

    [Fact]
    public async Task While_a_download_gets_ahead_it_is_not_given_up()
    {
        byte[] weights = Bytes(6_000_000, 2);
        Hub.Add("owner/large", Model(weights: weights));
        Hub.Storage!.Script = request => Content(request, weights) with { CutAfter = 1_000_000 };
        Options = Options with { Retries = 1 };
        var snapshot = await GetAsync("owner/large");
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(snapshot.Path, "model.safetensors")));
        Assert.Equal(6, Hub.Storage.Count("GET"));
    }

    [Fact]
    public async Task A_server_that_stalls_is_left()
    {
        FirstFromStorage(answer => answer with { StallAfter = 40_000 });
        Options = Options with { StallTimeout = TimeSpan.FromMilliseconds(500) };
        await AssertDownloadedAsync();
        Assert.Contains(40_000, Hub.Storage!.Requests.Select(request => request.From));
    }

    [Fact]
    public async Task A_server_that_stalls_again_and_again_is_given_up()
    {
        Hub.Storage!.Script = request => Content(request) with { StallAfter = 0 };
        Options = Options with { StallTimeout = TimeSpan.FromMilliseconds(50), Retries = 1 };
        using var client = new HubClient(Options);
        var download = new HubDownload(client, new HubCache(Options, "owner/name"), Options);
        var error = await Assert.ThrowsAnyAsync<IOException>(() => download.RunAsync(WeightsFile, _ => { }, default));
        Assert.Contains("the server stopped sending", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_only_trickles_is_left()
    {
        FirstFromStorage(answer => answer with { Trickle = TimeSpan.FromMilliseconds(5) });
        Options = Options with { MinimumRate = 100_000, RateWindow = TimeSpan.FromMilliseconds(100) };
        await AssertDownloadedAsync();
        Assert.True(Hub.Storage!.Count("GET") > 1);
    }

    [Fact]
    public async Task A_trickle_that_does_not_end_is_given_up()
    {
        Hub.Storage!.Script = request => Content(request) with { Trickle = TimeSpan.FromMilliseconds(5) };
        Options = Options with { MinimumRate = 100_000, RateWindow = TimeSpan.FromMilliseconds(50), Retries = 1 };
        var error = await Assert.ThrowsAnyAsync<IOException>(() => GetAsync("owner/name"));
        Assert.Contains("the server sends fewer than 100000 bytes a second", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_ranges_starts_over()
    {
        Leave(_weights[..40_000]);
        Hub.Storage!.Script = request => HubAnswer.Content(_weights, request with { Headers = new Dictionary<string, string>() });
        await AssertDownloadedAsync();
        Assert.Equal([40_000], Hub.Storage.Requests.Select(request => request.From));
    }

    [Fact]
    public async Task A_server_that_goes_on_elsewhere_starts_over()
    {
        Leave(_weights[..40_000]);
        FirstFromStorage(_ => new HubAnswer(206, [("Content-Range", $"bytes 50000-{_weights.Length - 1}/{_weights.Length}")], _weights[50_000..]));
        await AssertDownloadedAsync();
        Assert.Equal([40_000, null], Hub.Storage!.Requests.Select(request => request.From));
    }

    [Fact]
    public async Task A_range_that_the_server_cannot_give_starts_over()
    {
        Leave(_weights[..40_000]);
        FirstFromStorage(_ => HubAnswer.Status(416));
        await AssertDownloadedAsync();
    }

    [Theory]
    [InlineData(40_000)]
    [InlineData(100_000)]
    [InlineData(100_001)]
    public async Task Something_else_that_lies_there_unfinished_does_no_harm(int length)
    {
        Leave(Bytes(length, 99));
        await AssertDownloadedAsync();
    }

    [Fact]
    public async Task What_lies_there_whole_is_not_downloaded_again()
    {
        Leave(_weights);
        await AssertDownloadedAsync();
        Assert.Empty(Hub.Storage!.Requests);
    }

    [Theory]
    [InlineData("model.safetensors", "SHA-256")]
    [InlineData("tokenizer.json", "SHA-1")]
    public async Task Another_content_than_the_hub_states_is_thrown_away(string name, string kind)
    {
        HubAnswer? Lie(HubRequest request)
        {
            byte[] content = name == "model.safetensors" ? [.. _weights] : [.. Model()[name]];
            content[0] ^= 1;
            return request.Method == "GET" ? HubAnswer.Content(content, request) : null;
        }
        Hub.Script = request => request.Path.EndsWith("tokenizer.json", StringComparison.Ordinal) && name == "tokenizer.json" ? Lie(request) : null;
        Hub.Storage!.Script = request => name == "model.safetensors" ? Lie(request) : null;
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GetAsync("owner/name"));
        Assert.Contains($"'{name}' of 'owner/name' arrived with another {kind} than the hub states", error.Message, StringComparison.Ordinal);
        AssertNotCached();
        Assert.False(File.Exists(Partial));
    }

    [Theory]
    [InlineData(99_999)]
    [InlineData(100_001)]
    public async Task Another_size_than_the_hub_states_is_refused(int size)
    {
        Hub.Storage!.Script = request => HubAnswer.Content(Bytes(size, 1), request);
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GetAsync("owner/name"));
        Assert.Contains($"with {size} bytes, but the hub states 100000", error.Message, StringComparison.Ordinal);
        AssertNotCached();
    }

    [Fact]
    public async Task Bytes_without_end_are_refused()
    {
        Hub.Storage!.Script = request => new HubAnswer(200, [], Bytes(300_000, 1)) { StatesLength = false };
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GetAsync("owner/name"));
        Assert.Contains("but the hub states 100000", error.Message, StringComparison.Ordinal);
        AssertNotCached();
    }

    [Fact]
    public async Task A_download_waits_for_the_one_that_holds_the_lock()
    {
        var cache = new HubCache(Options, "owner/name");
        string path = Path.Combine(Options.CacheDirectory, ".locks", "models--owner--name", WeightsFile.Hash + ".lock");
        Task<HubSnapshot> waiting;
        using (await cache.LockAsync(WeightsFile, default))
        {
            Assert.True(File.Exists(path));
            waiting = GetAsync("owner/name");
            while (!waiting.IsCompleted && Hub.Count("HEAD", "model.safetensors") == 0)
                await Task.Delay(1);
            await Task.WhenAny(waiting, Task.Delay(100));
            Assert.Empty(Hub.Storage!.Requests);
        }
        await waiting;
        Assert.Equal(1, Hub.Storage.Count("GET"));
    }

    [Fact]
    public async Task Waiting_for_a_lock_can_be_cancelled()
    {
        var cache = new HubCache(Options, "owner/name");
        using var held = await cache.LockAsync(WeightsFile, default);
        using var cancel = new CancellationTokenSource(20);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cache.LockAsync(WeightsFile, cancel.Token));
    }

    private string Partial => Path.Combine(Options.CacheDirectory, "models--owner--name", "blobs", HubServer.Sha256(_weights) + ".incomplete");

    private HubFile WeightsFile => new(Id($"owner/name@{_commit}"), "model.safetensors", HubServer.Sha256(_weights), _weights.Length);

    private HubAnswer Content(HubRequest request, byte[]? content = null) => HubAnswer.Content(content ?? _weights, request);

    /// <summary>The storage's first answer goes wrong, the others do not.</summary>
    private void FirstFromStorage(Func<HubAnswer, HubAnswer> spoil)
    {
        int answers = 0;
        Hub.Storage!.Script = request => Interlocked.Increment(ref answers) == 1 ? spoil(Content(request)) : null;
    }

    /// <summary>What an earlier download left.</summary>
    private void Leave(byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Partial)!);
        File.WriteAllBytes(Partial, bytes);
    }

    private async Task AssertDownloadedAsync()
    {
        var snapshot = await GetAsync("owner/name");
        Assert.Equal(_weights, File.ReadAllBytes(Path.Combine(snapshot.Path, "model.safetensors")));
        Assert.False(File.Exists(Partial));
    }

    private void AssertNotCached()
    {
        Assert.Null(HubRepository.Model(Id("owner/name"), Options).Cached());
        Assert.DoesNotContain(FilesIn(Options.CacheDirectory), name => name.EndsWith("snapshots/model.safetensors", StringComparison.Ordinal) || name.EndsWith(HubServer.Sha256(_weights), StringComparison.Ordinal));
        Assert.False(File.Exists(Path.Combine(Options.CacheDirectory, "models--owner--name", "refs", "main")));
    }
}
