using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Peft.Tests.Checkpoints.Hub;

/// <summary>
/// A hub on the loopback interface, over bare sockets so that it can misbehave: it answers as huggingface.co does, unless a test's
/// <see cref="Script"/> answers otherwise. Large files lie on a second server, as they lie on a content network there.
/// </summary>
internal sealed partial class HubServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentDictionary<string, Dictionary<string, byte[]>> _commits = [];
    private readonly ConcurrentDictionary<string, string> _refs = [];
    private readonly Task _accepting;

    public HubServer(bool withStorage = true)
    {
        _listener.Start();
        _accepting = AcceptAsync();
        Storage = withStorage ? new HubServer(withStorage: false) : null;
    }

    public string Endpoint => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Where large files are redirected to.</summary>
    public HubServer? Storage { get; }

    public ConcurrentQueue<HubRequest> Requests { get; } = [];

    /// <summary>The token that private repositories ask for.</summary>
    public string? Token { get; set; }

    /// <summary>Answers in place of the hub; null leaves the answer to it.</summary>
    public Func<HubRequest, HubAnswer?> Script { get; set; } = _ => null;

    /// <summary>Puts a commit into a repository and gives its hash.</summary>
    public string Add(string repository, Dictionary<string, byte[]> files, string branch = "main")
    {
        string commit = Convert.ToHexStringLower(SHA1.HashData([.. files.OrderBy(file => file.Key, StringComparer.Ordinal).SelectMany(file => Encoding.UTF8.GetBytes(file.Key).Concat(file.Value))]));
        _commits[$"{repository}@{commit}"] = files;
        _refs[$"{repository}@{branch}"] = commit;
        foreach (byte[] content in files.Values)
            Storage?._commits.TryAdd(Sha256(content), new Dictionary<string, byte[]> { [""] = content });
        return commit;
    }

    /// <summary>The same with the files of a directory.</summary>
    public string Add(string repository, string directory) =>
        Add(repository, Directory.EnumerateFiles(directory).ToDictionary(path => Path.GetFileName(path), File.ReadAllBytes));

    public int Count(string method, string name = "") => Requests.Count(request => request.Method == method && request.Path.EndsWith(name, StringComparison.Ordinal));

    public void Dispose()
    {
        _closing.Cancel();
        _listener.Stop();
        _accepting.Wait();
        _closing.Dispose();
        Storage?.Dispose();
    }

    public static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    public static string GitHash(byte[] content) => Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));

    public static bool IsLarge(string name) => !name.EndsWith(".json", StringComparison.Ordinal);

    private HubAnswer Answer(HubRequest request)
    {
        if (Script(request) is { } scripted)
            return scripted;
        if (Storage is null)
            return _commits.TryGetValue(request.Path.TrimStart('/'), out var stored) ? HubAnswer.Content(stored[""], request) : HubAnswer.Status(404);
        bool allowed = Token is null || request.Header("Authorization") == $"Bearer {Token}";
        var match = FileAddress().Match(request.Path);
        if (match.Success && allowed)
            return AnswerFile(request, match.Groups["repository"].Value, Uri.UnescapeDataString(match.Groups["revision"].Value), match.Groups["name"].Value);
        match = ListAddress().Match(request.Path);
        if (match.Success && allowed && Files(match.Groups["repository"].Value, match.Groups["revision"].Value, out _) is { } files)
            return HubAnswer.Content(JsonSerializer.SerializeToUtf8Bytes(new { siblings = files.Keys.Select(name => new { rfilename = name }) }), request);
        return HubAnswer.Status(401, ("X-Error-Code", "RepoNotFound"), ("X-Error-Message", "Repository not found"));
    }

    private HubAnswer AnswerFile(HubRequest request, string repository, string revision, string name)
    {
        if (!_commits.Keys.Any(key => key.StartsWith($"{repository}@", StringComparison.Ordinal)))
            return HubAnswer.Status(401, ("X-Error-Code", "RepoNotFound"), ("X-Error-Message", "Repository not found"));
        if (Files(repository, revision, out string commit) is not { } files)
            return HubAnswer.Status(404, ("X-Error-Code", "RevisionNotFound"));
        if (!files.TryGetValue(name, out byte[]? content))
            return HubAnswer.Status(404, ("X-Error-Code", "EntryNotFound"), ("X-Repo-Commit", commit));
        return IsLarge(name)
            ? HubAnswer.Status(302, ("X-Repo-Commit", commit), ("X-Linked-Etag", $"\"{Sha256(content)}\""), ("X-Linked-Size", content.Length.ToString(CultureInfo.InvariantCulture)),
                ("ETag", "\"another\""), ("Location", $"{Storage!.Endpoint}/{Sha256(content)}"))
            : HubAnswer.Content(content, request, ("X-Repo-Commit", commit), ("ETag", $"\"{GitHash(content)}\""));
    }

    private Dictionary<string, byte[]>? Files(string repository, string revision, out string commit)
    {
        commit = _refs.GetValueOrDefault($"{repository}@{revision}", revision);
        return _commits.GetValueOrDefault($"{repository}@{commit}");
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
                serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_closing.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        await Task.Yield();
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                if (await HubRequest.ReadAsync(stream, _closing.Token) is not { } request)
                    return;
                Requests.Enqueue(request);
                await Answer(request).SendAsync(stream, request.Method == "HEAD", _closing.Token);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The client has gone, or the test is over.
            }
        }
    }

    [GeneratedRegex("^/(?<repository>[^/]+/[^/]+)/resolve/(?<revision>[^/]+)/(?<name>.+)$")]
    private static partial Regex FileAddress();

    [GeneratedRegex("^/api/models/(?<repository>[^/]+/[^/]+)/revision/(?<revision>[^/]+)$")]
    private static partial Regex ListAddress();
}
