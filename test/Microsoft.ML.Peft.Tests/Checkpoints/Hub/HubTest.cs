using Microsoft.ML.Peft.Checkpoints.Hub;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Checkpoints.Hub;

/// <summary>A hub and an empty cache of a test's own.</summary>
public abstract class HubTest : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private protected HubTest()
    {
        Options = new HubOptions
        {
            CacheDirectory = _directory.File("hub"),
            Endpoint = Hub.Endpoint,
            RetryDelay = TimeSpan.FromMilliseconds(1),
        };
    }

    private protected HubServer Hub { get; } = new();

    private protected HubOptions Options { get; set; }

    public virtual void Dispose()
    {
        Hub.Dispose();
        _directory.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static HubId Id(string id) => HubId.Parse(id, nameof(id));

    private protected Task<HubSnapshot> GetAsync(string id) => HubRepository.Model(Id(id), Options).GetAsync(null, null, CancellationToken.None);

    /// <summary>The files that a model needs; what is in them does not matter to the cache.</summary>
    private protected static Dictionary<string, byte[]> Model(int seed = 1, byte[]? weights = null) => new()
    {
        ["config.json"] = [(byte)seed, 2],
        ["tokenizer.json"] = [(byte)seed, 4],
        ["model.safetensors"] = weights ?? Bytes(5000, seed),
    };

    private protected static byte[] Bytes(int count, int seed)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Names of all files below a folder, with slashes.</summary>
    private protected static string[] FilesIn(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/')).Order(StringComparer.Ordinal)];

    /// <summary>What another library leaves in the cache that was asked for some files of the branch main.</summary>
    private protected void CacheByHand(string repository, string commit, Dictionary<string, byte[]> files, params string[] names)
    {
        string root = Path.Combine(Options.CacheDirectory, $"models--{repository.Replace("/", "--", StringComparison.Ordinal)}");
        string snapshot = Path.Combine(root, "snapshots", commit);
        foreach (string folder in new[] { snapshot, Path.Combine(root, "blobs"), Path.Combine(root, "refs") })
            Directory.CreateDirectory(folder);
        foreach (string name in names)
        {
            string hash = HubServer.IsLarge(name) ? HubServer.Sha256(files[name]) : HubServer.GitHash(files[name]);
            File.WriteAllBytes(Path.Combine(root, "blobs", hash), files[name]);
            File.CreateSymbolicLink(Path.Combine(snapshot, name), Path.Combine("..", "..", "blobs", hash));
        }
        File.WriteAllText(Path.Combine(root, "refs", "main"), commit);
    }
}
