using System.Text.RegularExpressions;
using Microsoft.ML.Peft.Cli.Projects;

namespace Microsoft.ML.Peft.Cli.Tests.Repository;

/// <summary>The projects in samples/ModelBuilder: what this program makes, and running.</summary>
public sealed class ModelBuilderSampleTests : IDisposable
{
    private static readonly string Checkout = Path.GetFullPath(Path.Combine(Fixtures.Default, "..", "..", ".."));
    private static readonly string Samples = Path.Combine(Checkout, "samples", "ModelBuilder");

    private readonly TemporaryDirectory _directory = new();

    [Theory]
    [InlineData("console", "Sentiment", "SentimentModel")]
    [InlineData("webapi", "TicketsApi", "TicketModel")]
    public async Task What_is_in_the_repository_is_what_is_generated(string kind, string name, string model)
    {
        string sample = Path.Combine(Samples, name), made = _directory.File(name);
        (await Peftml.RunAsync("new", kind, Path.Combine(sample, model + TrainingConfig.FileEnding), "-o", made, "--library", Checkout)).Succeeds();
        string[] files = [.. TrainingConfig.Read(Path.Combine(made, model + TrainingConfig.FileEnding)).Files.Keys];
        Assert.Contains("Program.cs", files);
        foreach (string file in files)
            Assert.Equal(Content(sample, file), Content(made, file));
        Assert.Equal(files.Append(model + TrainingConfig.FileEnding).Append("packages.lock.json").Order(StringComparer.Ordinal), Directory.GetFiles(sample).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        Assert.True(new FileInfo(Path.Combine(sample, model + ".zip")).Length < 200_000);
    }

    [Fact]
    public async Task The_program_knows_praise_from_complaint()
    {
        Assert.EndsWith("True", (await RunAsync("Sentiment", "This is the best present I have ever had, thank you!")).Succeeds().Lines[1]);
        Assert.EndsWith("False", (await RunAsync("Sentiment", "It broke after a day and nobody answers the phone.")).Succeeds().Lines[1]);
        Assert.Contains("Accuracy", (await RunAsync("Sentiment", "--evaluate", Path.Combine(Samples, "data", "reviews-test.csv"))).Succeeds().Output);
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>But for where the checkout lies: a project within it says that from its own folder.</summary>
    private static string Content(string folder, string file)
    {
        string path = Path.Combine(folder, file);
        return file.EndsWith(".zip", StringComparison.Ordinal) ? Convert.ToBase64String(File.ReadAllBytes(path)) : Regex.Replace(File.ReadAllText(path), "<PeftMl>.*</PeftMl>", "<PeftMl />");
    }

    private static Task<CommandResult> RunAsync(string sample, params string[] arguments)
    {
        string folder = AppContext.BaseDirectory.Replace(Path.Combine("test", "Microsoft.ML.Peft.Cli.Tests"), Path.Combine("samples", "ModelBuilder", sample), StringComparison.Ordinal);
        return PeftmlProcess.RunAsync("dotnet", [Path.Combine(folder, sample + ".dll"), .. arguments]);
    }
}
