namespace Microsoft.ML.Peft.Cli.Tests.Support;

/// <summary>A generated project, built and run as a user does, against the library beside the tests.</summary>
internal sealed class GeneratedProject(string folder)
{
    /// <summary>What makes it take the library from here, as from an installed tool.</summary>
    public static string[] Library { get; } = ["--library", AppContext.BaseDirectory];

    public string File(string name) => Path.Combine(folder, name);

    /// <summary>Builds it; a warning fails. Native libraries are linked, not copied.</summary>
    public async Task BuildAsync()
    {
        var built = await RunInAsync("build", "-c", "Release", "-nologo", "-warnaserror", "-p:CreateHardLinksForCopyLocalIfPossible=true", "-p:NuGetAudit=false");
        Assert.True(built.ExitCode == 0, built.Output + built.Error);
    }

    public Task<CommandResult> RunAsync(params string[] arguments) => RunInAsync([Program, .. arguments]);

    public PeftmlProcess Start(params string[] arguments) => PeftmlProcess.StartIn(folder, "dotnet", [Program, .. arguments]);

    private string Program => Assert.Single(Directory.GetFiles(Path.Combine(folder, "bin", "Release", "net10.0"), "*.runtimeconfig.json")).Replace(".runtimeconfig.json", ".dll", StringComparison.Ordinal);

    private async Task<CommandResult> RunInAsync(params string[] arguments)
    {
        using var process = PeftmlProcess.StartIn(folder, "dotnet", arguments);
        return await process.EndAsync();
    }
}
