using System.CommandLine;
using System.CommandLine.Invocation;
using Samples;

namespace QuickStart;

/// <summary>The command line.</summary>
internal sealed record Arguments(
    string Method, FileInfo TrainFile, FileInfo? TestFile, string TextColumn, string LabelColumn,
    int? Epochs, int VirtualTokens, int Seed, FileInfo Output, string? Text)
{
    private const string Description = """
        Sorts customer support tickets into eight queues: trains a soft prompt for a frozen language model in an ML.NET
        pipeline, evaluates it, saves it, and predicts with it. Works on your own texts and classes, too.

        Examples:
          dotnet run --project samples/QuickStart -c Release
          dotnet run --project samples/QuickStart -c Release -- --method prompt --text "Where is my parcel?"
          dotnet run --project samples/QuickStart -c Release -- --train reviews.csv --text-col review --label-col stars
        """;

    private static readonly string[] Methods = ["prompt", "prefix", "prefix-projected", "ptuning-mlp", "ptuning-lstm"];

    /// <summary>Parses the command line and runs the program; the result is the exit code.</summary>
    public static int Invoke(string[] args, Func<Arguments, int> program)
    {
        var method = new Option<string>("--method") { Description = $"How the soft prompt is trained: {string.Join(", ", Methods)}.", HelpName = "METHOD", DefaultValueFactory = _ => "prefix" };
        method.AcceptOnlyFromAmong(Methods);
        var train = new Option<FileInfo>("--train") { Description = "Training rows with a header, .csv or tab-separated [default: the sample's tickets]", HelpName = "FILE" }.AcceptExistingOnly();
        var test = new Option<FileInfo>("--test") { Description = "Test rows of the same form [default: a fifth of each class of --train]", HelpName = "FILE" }.AcceptExistingOnly();
        var text = new Option<string>("--text-col") { Description = "The column of texts.", HelpName = "NAME", DefaultValueFactory = _ => "Text" };
        var label = new Option<string>("--label-col") { Description = "The column of classes.", HelpName = "NAME", DefaultValueFactory = _ => "Label" };
        var epochs = new Option<int>("--epochs") { Description = "At most so many passes over the training rows [default: at least 5, and at least 300 steps]", HelpName = "N" };
        var virtualTokens = new Option<int>("--virtual-tokens") { Description = "The length of the soft prompt.", HelpName = "N", DefaultValueFactory = _ => 20 };
        var seed = new Option<int>("--seed") { Description = "The seed of all random numbers.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var output = new Option<FileInfo>("--output") { Description = "Where the trained pipeline is saved [default: ./<name of the training file>.zip]", HelpName = "FILE" };
        var predict = new Option<string?>("--text") { Description = "A text to classify after training.", HelpName = "TEXT" };
        epochs.Validators.Add(OptionChecks.AtLeastOne);
        virtualTokens.Validators.Add(OptionChecks.AtLeastOne);
        output.Validators.Add(OptionChecks.InExistingDirectory);

        var command = new RootCommand(Description) { method, train, test, text, label, epochs, virtualTokens, seed, output, predict };
        command.SetAction(values =>
        {
            var ownFile = values.GetValue(train);
            var trainFile = ownFile ?? SampleFile("tickets-train.tsv");
            return program(new Arguments(
                values.GetValue(method)!, trainFile, values.GetValue(test) ?? (ownFile is null ? SampleFile("tickets-test.tsv") : null),
                values.GetValue(text)!, values.GetValue(label)!, values.GetResult(epochs) is null ? null : values.GetValue(epochs), values.GetValue(virtualTokens), values.GetValue(seed),
                values.GetValue(output) ?? new FileInfo(Path.ChangeExtension(trainFile.Name, ".zip")), values.GetValue(predict)));
        });
        var parsed = command.Parse(args);
        if (parsed.Action is ParseErrorAction errors)
            errors.ShowHelp = false;
        return parsed.Invoke();
    }

    /// <summary>A file of the sample's data, which the build copies beside the program.</summary>
    private static FileInfo SampleFile(string name) => new(Path.Combine(AppContext.BaseDirectory, "data", name));
}
