using System.Diagnostics;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Repository;

/// <summary>The program samples/TextGeneration, run as a user runs it, with a tiny model and short texts.</summary>
public sealed class TextGenerationSampleTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly string _train, _test;

    public TextGenerationSampleTests()
    {
        string Rows(int first, int count) => "Text\tLabel\n" + string.Concat(Enumerable.Range(first, count).Select(km => $"length: {km} km\tThe way is {km} km long.\n"));
        (_train, _test) = (_directory.Write("train.tsv", Rows(1, 20)), _directory.Write("test.tsv", Rows(40, 6)));
    }

    [Fact]
    public void It_trains_compares_saves_loads_and_streams()
    {
        string saved = _directory.File("ways.zip");
        var run = Run("--model", Fixtures.Model("tiny-llama"), "--train", _train, "--test", _test, "--epochs", "1", "--limit", "8", "--virtual-tokens", "4", "--output", saved);

        Assert.True(run.ExitCode == 0, run.Error);
        SampleProgram.AssertInOrder(run.Output,
            "What the base model writes", "Training (prefix, 4 virtual tokens)", "of 8 rows are held out", "Epoch 1/1", "Before and after", "6 test rows", "ROUGE-L", "Saved and loaded again", saved);
        // What it streamed at the end is what the saved pipeline writes.
        using var transformer = (SoftPromptTransformer)new MLContext().Model.Load(saved, out _);
        string expected = transformer.Model.Generate(["length: 45 km\n"], new GenerationOptions { MaxNewTokens = 64 })[0];
        Assert.EndsWith("length: 45 km\n  → " + expected + "\n", run.Output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void Help_shows_the_options_and_an_example()
    {
        var run = Run("--help");
        Assert.Equal(0, run.ExitCode);
        foreach (string part in new[] { "dotnet run --project samples/TextGeneration", "--train", "--test", "--method", "--epochs", "--virtual-tokens", "--model", "--limit", "--seed", "--output" })
            Assert.Contains(part, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_is_one_sentence_and_exit_code_1()
    {
        string wrong = _directory.Write("wrong.tsv", "Facts\tSentence\na\tb\n");
        foreach (var (arguments, sentence) in new (string[], string)[]
        {
            (["--train", wrong], $"Error: '{wrong}' has no column 'Text'; its first line must name the tab-separated columns Text (what is given) and Label (what to write)."),
            (["--model", "/no/such/model"], "Error: "),
            (["--method", "lora"], "Argument 'lora' not recognized."),
            (["--epochs", "0"], "--epochs is 0; it must be at least 1."),
            (["--output", _directory.File("none/a.zip")], $"The directory '{_directory.File("none")}' of --output does not exist."),
        })
        {
            var run = Run(arguments);
            Assert.Equal(1, run.ExitCode);
            Assert.StartsWith(sentence, run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task Ctrl_C_cancels_the_training_and_nothing_is_saved()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no signal to send to another process.");
        string saved = _directory.File("ways.zip");
        using var process = Start("--model", Fixtures.Model("tiny-llama"), "--train", _train, "--test", _test, "--epochs", "1000000", "--output", saved);
        var errors = process.StandardError.ReadToEndAsync();
        while (await process.StandardOutput.ReadLineAsync() is { } line && !line.StartsWith("Epoch 1/", StringComparison.Ordinal))
        {
        }
        var rest = process.StandardOutput.ReadToEndAsync();
        Process.Start("kill", ["-INT", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]).WaitForExit();
        await Task.WhenAll(errors, rest, process.WaitForExitAsync());
        Assert.Equal((130, "Cancelled."), (process.ExitCode, (await errors).Trim()));
        Assert.False(File.Exists(saved));
    }

    public void Dispose() => _directory.Dispose();

    private static (int ExitCode, string Output, string Error) Run(params string[] arguments) => SampleProgram.Run("TextGeneration", arguments);

    private static Process Start(params string[] arguments) => SampleProgram.Start("TextGeneration", arguments);
}
