using System.CommandLine;
using System.CommandLine.Invocation;
using Samples;

namespace AutoMLSweep;

/// <summary>The command line.</summary>
internal sealed record Arguments(
    FileInfo TrainFile, FileInfo TestFile, string? Model, int Trials, int Seconds, int Epochs, int Seed, DirectoryInfo? Directory, FileInfo Report, FileInfo Output, string Text)
{
    private const string Description = """
        Searches the soft prompt that sorts customer support tickets best: five methods and their options, tried by asynchronous
        successive halving against the quick start's data. Keeps the winner, and prints its options as C#.

        Examples:
          dotnet run --project samples/AutoMLSweep -c Release
          dotnet run --project samples/AutoMLSweep -c Release -- --trials 60 --seconds 1800 --directory search
        """;

    /// <summary>Parses the command line and runs the program; the result is the exit code.</summary>
    public static int Invoke(string[] args, Func<Arguments, int> program)
    {
        var train = new Option<FileInfo>("--train") { Description = "Training rows: tab-separated, with the columns Text and Label [default: the quick start's tickets]", HelpName = "FILE" }.AcceptExistingOnly();
        var test = new Option<FileInfo>("--test") { Description = "Test rows of the same form, which the search never sees [default: the quick start's tickets]", HelpName = "FILE" }.AcceptExistingOnly();
        var model = new Option<string?>("--model") { Description = "The frozen model: a directory or a .gguf file [default: the embedded all-MiniLM-L6-v2]", HelpName = "PATH" };
        var trials = new Option<int>("--trials") { Description = "At most so many trials.", HelpName = "N", DefaultValueFactory = _ => 9 };
        var seconds = new Option<int>("--seconds") { Description = "At most so many seconds.", HelpName = "N", DefaultValueFactory = _ => 150 };
        var epochs = new Option<int>("--epochs") { Description = "The passes over the training rows of a full training.", HelpName = "N", DefaultValueFactory = _ => 9 };
        var seed = new Option<int>("--seed") { Description = "The seed of all random numbers.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var directory = new Option<DirectoryInfo>("--directory") { Description = "Where the search is kept; with the same again it goes on [default: a new temporary one]", HelpName = "DIR" };
        var report = new Option<FileInfo>("--report") { Description = "The report, an HTML page written during the search.", HelpName = "FILE", DefaultValueFactory = _ => new FileInfo("search.html") };
        var output = new Option<FileInfo>("--output") { Description = "Where the winner's pipeline is saved.", HelpName = "FILE", DefaultValueFactory = _ => new FileInfo("best.zip") };
        var text = new Option<string>("--text") { Description = "A text to classify in the end.", HelpName = "TEXT", DefaultValueFactory = _ => "Where is my parcel?" };
        foreach (var number in new[] { trials, seconds, epochs })
            number.Validators.Add(OptionChecks.AtLeastOne);
        foreach (var file in new[] { report, output })
            file.Validators.Add(OptionChecks.InExistingDirectory);

        var command = new RootCommand(Description) { train, test, model, trials, seconds, epochs, seed, directory, report, output, text };
        command.SetAction(values => program(new Arguments(
            values.GetValue(train) ?? SampleFile("tickets-train.tsv"), values.GetValue(test) ?? SampleFile("tickets-test.tsv"), values.GetValue(model),
            values.GetValue(trials), values.GetValue(seconds), values.GetValue(epochs), values.GetValue(seed), values.GetValue(directory), values.GetValue(report)!, values.GetValue(output)!, values.GetValue(text)!)));
        var parsed = command.Parse(args);
        if (parsed.Action is ParseErrorAction errors)
            errors.ShowHelp = false;
        return parsed.Invoke();
    }

    /// <summary>A file of the quick start's data, which the build copies beside the program.</summary>
    private static FileInfo SampleFile(string name) => new(Path.Combine(AppContext.BaseDirectory, "data", name));
}
