using System.CommandLine;
using System.CommandLine.Invocation;
using Samples;

namespace TextGeneration;

/// <summary>The command line.</summary>
internal sealed record Arguments(
    string Method, FileInfo TrainFile, FileInfo TestFile, int? Limit, int Epochs, int VirtualTokens, string? Model, int Seed, FileInfo Output, string? Text)
{
    private const string Description = """
        Turns facts about hiking trails into sentences: trains a soft prompt for a frozen language model in an ML.NET
        pipeline, compares what the model writes before and after, saves it, and writes with it. Works on your own texts, too.

        Examples:
          dotnet run --project samples/TextGeneration -c Release
          dotnet run --project samples/TextGeneration -c Release -- --text "name: Fern Loop | length: 5 km | difficulty: easy | dogs: yes"
          dotnet run --project samples/TextGeneration -c Release -- --train mine.tsv --test mine-test.tsv --method prompt --epochs 3
        """;

    private static readonly string[] Methods = ["prefix", "prefix-projected", "prompt", "ptuning"];

    /// <summary>Parses the command line and runs the program; the result is the exit code.</summary>
    public static int Invoke(string[] args, Func<Arguments, int> program)
    {
        var method = new Option<string>("--method") { Description = $"How the soft prompt is trained: {string.Join(", ", Methods)}.", HelpName = "METHOD", DefaultValueFactory = _ => "prefix" };
        method.AcceptOnlyFromAmong(Methods);
        var train = new Option<FileInfo>("--train") { Description = "Training rows: tab-separated, with the columns Text and Label [default: the sample's trails]", HelpName = "FILE" }.AcceptExistingOnly();
        var test = new Option<FileInfo>("--test") { Description = "Test rows of the same form [default: the sample's trails]", HelpName = "FILE" }.AcceptExistingOnly();
        var limit = new Option<int>("--limit") { Description = "At most so many rows of each file [default: 320 for training, 16 for testing; never more than 24 for testing]", HelpName = "N" };
        var epochs = new Option<int>("--epochs") { Description = "At most so many passes over the training rows.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var virtualTokens = new Option<int>("--virtual-tokens") { Description = "The length of the soft prompt.", HelpName = "N", DefaultValueFactory = _ => 20 };
        var model = new Option<string?>("--model") { Description = "The frozen language model: a directory or a .gguf file [default: the embedded SmolLM2-135M-Instruct]", HelpName = "PATH" };
        var seed = new Option<int>("--seed") { Description = "The seed of all random numbers.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var output = new Option<FileInfo>("--output") { Description = "Where the trained pipeline is saved [default: ./<name of the training file>.zip]", HelpName = "FILE" };
        var text = new Option<string?>("--text") { Description = "Facts to write about at the end [default: those of a test row]", HelpName = "TEXT" };
        foreach (var number in new[] { limit, epochs, virtualTokens })
            number.Validators.Add(OptionChecks.AtLeastOne);
        output.Validators.Add(OptionChecks.InExistingDirectory);

        var command = new RootCommand(Description) { method, train, test, limit, epochs, virtualTokens, model, seed, output, text };
        command.SetAction(values =>
        {
            var trainFile = values.GetValue(train) ?? SampleFile("trails-train.tsv");
            return program(new Arguments(
                values.GetValue(method)!, trainFile, values.GetValue(test) ?? SampleFile("trails-test.tsv"), values.GetResult(limit) is null ? null : values.GetValue(limit),
                values.GetValue(epochs), values.GetValue(virtualTokens), values.GetValue(model), values.GetValue(seed),
                values.GetValue(output) ?? new FileInfo(Path.ChangeExtension(trainFile.Name, ".zip")), values.GetValue(text)));
        });
        var parsed = command.Parse(args);
        if (parsed.Action is ParseErrorAction errors)
            errors.ShowHelp = false;
        return parsed.Invoke();
    }

    /// <summary>A file of the sample's data, which the build copies beside the program.</summary>
    private static FileInfo SampleFile(string name) => new(Path.Combine(AppContext.BaseDirectory, "data", name));
}
