using Microsoft.ML.Peft.Checkpoints.Hub;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Checkpoints.Hub;

public sealed class HubCacheTests : IDisposable
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void Repositories_are_listed_with_their_bytes_and_removed()
    {
        var options = new HubOptions { CacheDirectory = _directory.Path };
        Assert.Empty(HubCache.Repositories(new HubOptions { CacheDirectory = _directory.File("none") }));
        foreach (string name in new[] { "owner/one", "owner/two" })
        {
            var cache = new HubCache(options, name);
            Directory.CreateDirectory(cache.Snapshot(Commit));
            File.WriteAllText(Path.Combine(cache.Snapshot(Commit), "config.json"), "12345678");
            cache.WriteRef("main", Commit);
        }
        Assert.Equal(["owner/one", "owner/two"], HubCache.Repositories(options));
        var one = new HubCache(options, "owner/one");
        Assert.Equal([KeyValuePair.Create("main", Commit)], one.Refs);
        Assert.Equal([Commit], one.Commits);
        Assert.Equal(8 + Commit.Length, one.Bytes);
        Assert.Equal(one.Bytes, one.Remove());
        Assert.Equal(["owner/two"], HubCache.Repositories(options));
        Assert.Single(Directory.GetDirectories(_directory.Path));
    }

    public void Dispose() => _directory.Dispose();
}
