using System.Globalization;
using Microsoft.ML.Peft.Checkpoints.Hub;

namespace Microsoft.ML.Peft.Tests.Checkpoints.Hub;

/// <summary>What the hub answers, and to whom the token goes.</summary>
public sealed class HubClientTests : HubTest
{
    private readonly string _commit;

    public HubClientTests()
    {
        _commit = Hub.Add("owner/name", Model());
        Options = Options with { Retries = 1 };
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_and_to_no_other()
    {
        Hub.Token = "hf_secret";
        Options = Options with { Token = "hf_secret" };
        await GetAsync("owner/name");
        Assert.All(Hub.Requests, request => Assert.Equal("Bearer hf_secret", request.Header("Authorization")));
        Assert.NotEmpty(Hub.Storage!.Requests);
        Assert.All(Hub.Storage.Requests, request => Assert.Null(request.Header("Authorization")));
    }

    [Fact]
    public async Task The_token_does_not_follow_when_all_of_a_repository_has_gone_elsewhere()
    {
        using var other = new HubServer();
        Options = Options with { Token = "hf_secret" };
        Hub.Script = request => HubAnswer.Status(301, ("Location", other.Endpoint + request.Path));
        await Assert.ThrowsAsync<InvalidDataException>(() => GetAsync("owner/name"));
        Assert.All(other.Requests, request => Assert.Null(request.Header("Authorization")));
    }

    [Fact]
    public async Task A_renamed_repository_is_followed_on_the_hub()
    {
        Hub.Token = "hf_secret";
        Options = Options with { Token = "hf_secret" };
        Hub.Script = request => request.Path.StartsWith("/owner/old/", StringComparison.Ordinal)
            ? HubAnswer.Status(307, ("Location", request.Path.Replace("/owner/old/", "/owner/name/", StringComparison.Ordinal)))
            : null;
        var snapshot = await GetAsync("owner/old");
        Assert.Equal($"owner/old@{_commit}", snapshot.Id.ToString());
        Assert.Equal(Model()["model.safetensors"], File.ReadAllBytes(Path.Combine(snapshot.Path, "model.safetensors")));
    }

    [Fact]
    public async Task Small_files_may_be_redirected_on_the_hub()
    {
        Hub.Script = request => request.Path.StartsWith("/owner/", StringComparison.Ordinal) && request.Path.EndsWith(".json", StringComparison.Ordinal)
            ? HubAnswer.Status(307, ("X-Repo-Commit", _commit), ("Location", "/api/resolve-cache" + request.Path))
            : request.Path.StartsWith("/api/resolve-cache/", StringComparison.Ordinal)
                ? Model().TryGetValue(request.Path.Split('/', 8)[^1], out byte[]? content)
                    ? HubAnswer.Content(content, request, ("ETag", $"W/\"{HubServer.GitHash(content)}\""))
                    : HubAnswer.Status(404, ("X-Error-Code", "EntryNotFound"))
                : null;
        Assert.Equal(3, FilesIn((await GetAsync("owner/name")).Path).Length);
    }

    [Fact]
    public async Task A_mirror_may_state_the_plain_SHA_1()
    {
        byte[] content = Model()["tokenizer.json"];
        string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA1.HashData(content));
        Hub.Script = request => request.Path.EndsWith("tokenizer.json", StringComparison.Ordinal)
            ? HubAnswer.Content(content, request, ("X-Repo-Commit", _commit), ("ETag", hash))
            : null;
        Assert.Equal(content, File.ReadAllBytes(Path.Combine((await GetAsync("owner/name")).Path, "tokenizer.json")));
    }

    [Theory]
    [InlineData("owner/none", null, "shows no repository 'owner/none'", typeof(DirectoryNotFoundException))]
    [InlineData("owner/name@none", null, "has no revision 'none'", typeof(DirectoryNotFoundException))]
    [InlineData("owner/name", "config.json", "has no 'config.json' in revision 'main'", typeof(FileNotFoundException))]
    [InlineData("owner/name", "tokenizer.json", "has no 'tokenizer.json' in revision", typeof(FileNotFoundException))]
    [InlineData("owner/name", "model.safetensors", "has no 'model.safetensors' in revision", typeof(FileNotFoundException))]
    public async Task What_does_not_exist_is_named(string id, string? absent, string message, Type type)
    {
        Hub.Script = request => absent is not null && request.Path.EndsWith($"/{absent}", StringComparison.Ordinal) ? HubAnswer.Status(404) : null;
        var error = await Assert.ThrowsAsync(type, () => GetAsync(id));
        Assert.Contains(Hub.Endpoint, error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, "RepoNotFound", "set HF_TOKEN to a token that may read it", typeof(DirectoryNotFoundException))]
    [InlineData(404, "RepoNotFound", "set HF_TOKEN to a token that may read it", typeof(DirectoryNotFoundException))]
    [InlineData(401, "GatedRepo", "is gated; accept its terms on", typeof(UnauthorizedAccessException))]
    [InlineData(403, "GatedRepo", "set HF_TOKEN to a token of that account", typeof(UnauthorizedAccessException))]
    [InlineData(401, "", "(401 because); set HF_TOKEN", typeof(UnauthorizedAccessException))]
    [InlineData(403, "", "(403 because); set HF_TOKEN", typeof(UnauthorizedAccessException))]
    [InlineData(400, "", "gives no usable answer about 'owner/name' (400 because)", typeof(IOException))]
    public async Task A_refusal_says_what_to_do(int status, string code, string message, Type type)
    {
        Hub.Script = _ => HubAnswer.Status(status, ("X-Error-Code", code), ("X-Error-Message", "because"));
        var error = await Assert.ThrowsAsync(type, () => GetAsync("owner/name"));
        Assert.Contains("'owner/name'", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Single(Hub.Requests, request => request.Method == "HEAD");
        Options = Options with { Token = "hf_secret" };
        Assert.DoesNotContain("hf_secret", (await Assert.ThrowsAsync(type, () => GetAsync("owner/name"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(408)]
    public async Task A_busy_server_is_asked_again(int status)
    {
        int answers = 0;
        Hub.Script = _ => Interlocked.Increment(ref answers) % 2 == 1 ? HubAnswer.Status(status, ("Retry-After", "0")) : null;
        Assert.Equal(3, FilesIn((await GetAsync("owner/name")).Path).Length);
    }

    [Fact]
    public async Task A_server_that_stays_busy_is_given_up()
    {
        Options = Options with { Retries = 3 };
        Hub.Script = _ => HubAnswer.Status(503);
        var error = await Assert.ThrowsAnyAsync<IOException>(() => GetAsync("owner/name"));
        Assert.Contains("cannot serve 'owner/name' now (503 Scripted); try again later", error.Message, StringComparison.Ordinal);
        Assert.Equal(4, Hub.Requests.Count);
    }

    [Fact]
    public async Task A_long_wait_is_not_waited()
    {
        Hub.Script = _ => HubAnswer.Status(429, ("Retry-After", "3600"));
        var error = await Assert.ThrowsAnyAsync<IOException>(() => GetAsync("owner/name"));
        Assert.Contains("it asks to wait 3600 s", error.Message, StringComparison.Ordinal);
        Assert.Single(Hub.Requests);
    }

    [Fact]
    public async Task A_date_to_wait_for_counts_too()
    {
        Hub.Script = _ => HubAnswer.Status(429, ("Retry-After", DateTime.UtcNow.AddHours(1).ToString("R", CultureInfo.InvariantCulture)));
        var error = await Assert.ThrowsAnyAsync<IOException>(() => GetAsync("owner/name"));
        Assert.Contains("it asks to wait 3", error.Message, StringComparison.Ordinal);
        Assert.Single(Hub.Requests);
    }

    [Fact]
    public async Task An_address_that_has_expired_is_asked_for_anew()
    {
        int answers = 0;
        Hub.Storage!.Script = _ => Interlocked.Increment(ref answers) == 1 ? HubAnswer.Status(403) : null;
        await GetAsync("owner/name");
        Assert.Equal(2, Hub.Count("GET", "model.safetensors"));
    }

    [Fact]
    public async Task No_network_says_what_to_check()
    {
        Options = Options with { Endpoint = "http://127.0.0.1:1" };
        var error = await Assert.ThrowsAnyAsync<IOException>(() => GetAsync("owner/name"));
        Assert.Contains("http://127.0.0.1:1 could not be reached for 'owner/name'", error.Message, StringComparison.Ordinal);
        Assert.Contains("HF_ENDPOINT", error.Message, StringComparison.Ordinal);
        Assert.Contains(Options.CacheDirectory, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_accepts_and_is_silent_is_left()
    {
        Options = Options with { StallTimeout = TimeSpan.FromMilliseconds(50) };
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        Options = Options with { Endpoint = $"http://{silent.LocalEndpoint}" };
        var error = await Assert.ThrowsAnyAsync<IOException>(() => GetAsync("owner/name"));
        Assert.Contains("(127.0.0.1 did not answer in time)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ETag", "\"0123\"", "it states no hash of 'config.json'")]
    [InlineData("ETag", "\"../../../evil\"", "it states no hash of 'config.json'")]
    [InlineData("X-Repo-Commit", "../../evil", "it states no commit")]
    [InlineData("X-Linked-Size", "-5", "it states no size of 'config.json'")]
    [InlineData("X-Linked-Size", "many", "it states no size of 'config.json'")]
    public async Task A_server_that_is_no_hub_is_refused(string header, string value, string fault)
    {
        var headers = new Dictionary<string, string> { ["X-Repo-Commit"] = _commit, ["ETag"] = $"\"{HubServer.GitHash(Model()["config.json"])}\"", ["X-Linked-Size"] = "2", [header] = value };
        Hub.Script = _ => HubAnswer.Status(200, [.. headers.Select(pair => (pair.Key, pair.Value))]);
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GetAsync("owner/name"));
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Options.CacheDirectory));
    }

    [Fact]
    public async Task Another_commit_than_was_asked_for_is_refused()
    {
        string other = Hub.Add("owner/name", Model(seed: 2), "other");
        Hub.Script = request => request.Method == "HEAD" ? HubAnswer.Status(200, ("X-Repo-Commit", other), ("ETag", $"\"{new string('0', 40)}\"")) : null;
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GetAsync($"owner/name@{_commit}"));
        Assert.Contains($"asked for the commit {_commit} it gives {other}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://127.0.0.1/file")]
    public async Task A_redirect_to_something_else_than_a_web_server_is_refused(string location)
    {
        Hub.Script = request => request.Method == "GET" && request.Path.EndsWith("model.safetensors", StringComparison.Ordinal) ? HubAnswer.Status(302, ("Location", location)) : null;
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GetAsync("owner/name"));
        Assert.Contains("it redirects to", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redirects_without_end_are_left()
    {
        Hub.Script = request => HubAnswer.Status(302, ("Location", request.Path));
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GetAsync("owner/name"));
        Assert.Contains("it redirects without end", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revision_with_slashes_is_one_part_of_the_address()
    {
        Hub.Add("owner/name", Model(), "refs/pr/1");
        var snapshot = await GetAsync("owner/name@refs/pr/1");
        Assert.Contains(Hub.Requests, request => request.Path == "/owner/name/resolve/refs%2Fpr%2F1/config.json");
        Assert.Equal(snapshot.Id.Revision, File.ReadAllText(Path.Combine(Options.CacheDirectory, "models--owner--name", "refs", "refs", "pr", "1")));
    }
}
