namespace Microsoft.ML.Peft.Cli.Tests.Commands;

public sealed class ModelsCommandTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Embedded_models_are_listed_and_found_by_name()
    {
        var list = (await Peftml.RunAsync("models", "list", "--json")).Succeeds().Json;
        Assert.Contains("all-MiniLM-L6-v2", list.GetProperty("local").EnumerateArray().Select(model => model.GetProperty("name").GetString()));
        Assert.Contains("all-MiniLM-L6-v2", (await Peftml.RunAsync("models", "list")).Succeeds().Output);
        Assert.True(Directory.Exists((await Peftml.RunAsync("models", "where", "all-MiniLM-L6-v2")).Succeeds().Lines[0]));
        Assert.True((await Peftml.RunAsync("models", "where")).Succeeds().Lines.Length >= 2);
        (await Peftml.RunAsync("models", "where", "no-such-model")).FailsWith("'no-such-model' was not found");
    }

    [SkippableFact]
    public async Task The_cache_is_listed_and_models_are_removed_from_it()
    {
        Skip.If(OperatingSystem.IsWindows());
        const string commit = "0123456789abcdef0123456789abcdef01234567";
        string repository = _directory.File("hub/models--owner--tiny"), snapshot = Path.Combine(repository, "snapshots", commit);
        Directory.CreateDirectory(Path.Combine(repository, "blobs"));
        Directory.CreateDirectory(snapshot);
        Directory.CreateDirectory(Path.Combine(repository, "refs"));
        foreach (string file in Directory.GetFiles(Tickets.TinyModel))
        {
            File.Copy(file, Path.Combine(repository, "blobs", Path.GetFileName(file)));
            File.CreateSymbolicLink(Path.Combine(snapshot, Path.GetFileName(file)), Path.Combine("../../blobs", Path.GetFileName(file)));
        }
        File.WriteAllText(Path.Combine(repository, "refs", "main"), commit);
        Task<CommandResult> Run(params string[] args) => PeftmlProcess.RunAsync(PeftmlProcess.Program, args, ("HF_HUB_CACHE", _directory.File("hub")), ("HF_HUB_OFFLINE", "1"));

        var cached = (await Run("models", "list", "--json")).Succeeds().Json.GetProperty("cached")[0];
        Assert.Equal("owner/tiny", cached.GetProperty("repository").GetString());
        Assert.Equal(commit, cached.GetProperty("commits")[0].GetString());
        Assert.Equal(Directory.GetFiles(Tickets.TinyModel).Sum(file => new FileInfo(file).Length) + commit.Length, cached.GetProperty("bytes").GetInt64());
        Assert.Equal(snapshot, (await Run("models", "where", "owner/tiny")).Succeeds().Lines[0]);
        Assert.Contains("bert", (await Run("info", "owner/tiny")).Succeeds().Output);
        (await Run("models", "remove", "owner/other")).FailsWith("has no repository 'owner/other'");
        (await Run("models", "remove", "owner/tiny")).Succeeds();
        Assert.False(Directory.Exists(repository));
        (await Run("models", "download", "owner/tiny")).FailsWith("HF_HUB_OFFLINE");
    }

    public void Dispose() => _directory.Dispose();
}
