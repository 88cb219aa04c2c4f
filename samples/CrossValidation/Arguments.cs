using System.CommandLine;
using System.CommandLine.Invocation;
using Samples;

namespace CrossValidation;

/// <summary>The command line.</summary>
internal sealed record Arguments(FileInfo DataFile, int Folds, int? Epochs, int VirtualTokens, int Seed, DirectoryInfo Output)
{
    private const string Description = """
        Cross-validates a soft prompt on customer support tickets with ML.NET's own CrossValidate, and draws the confusion
        matrix and the calibration of its probabilities as SVG files.

        Examples:
          dotnet run --project samples/CrossValidation -c Release
          dotnet run --project samples/CrossValidation -c Release -- --folds 5 --output charts
        """;

    public string File(string name) => Path.Combine(Output.FullName, name);

    /// <summary>Parses the command line and runs the program; the result is the exit code.</summary>
    public static int Invoke(string[] args, Func<Arguments, int> program)
    {
        var data = new Option<FileInfo>("--data") { Description = "Rows with the header Text<TAB>Label [default: the quick start's tickets]", HelpName = "FILE" }.AcceptExistingOnly();
        var folds = new Option<int>("--folds") { Description = "The number of parts, at least 2.", HelpName = "N", DefaultValueFactory = _ => 3 };
        var epochs = new Option<int>("--epochs") { Description = "At most so many passes over the training rows [default: at least 5, and at least 300 steps]", HelpName = "N" };
        var virtualTokens = new Option<int>("--virtual-tokens") { Description = "The length of the soft prompt.", HelpName = "N", DefaultValueFactory = _ => 20 };
        var seed = new Option<int>("--seed") { Description = "The seed of all random numbers.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var output = new Option<DirectoryInfo>("--output") { Description = "Where the charts are written.", HelpName = "DIRECTORY", DefaultValueFactory = _ => new DirectoryInfo(".") };
        folds.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, out int value) && value < 2)
                result.AddError($"--folds is {value}; it must be at least 2.");
        });
        epochs.Validators.Add(OptionChecks.AtLeastOne);
        virtualTokens.Validators.Add(OptionChecks.AtLeastOne);

        var command = new RootCommand(Description) { data, folds, epochs, virtualTokens, seed, output };
        command.SetAction(values =>
        {
            var directory = values.GetValue(output)!;
            directory.Create();
            return program(new Arguments(
                values.GetValue(data) ?? new FileInfo(Path.Combine(AppContext.BaseDirectory, "data", "tickets-train.tsv")), values.GetValue(folds),
                values.GetResult(epochs) is null ? null : values.GetValue(epochs), values.GetValue(virtualTokens), values.GetValue(seed), directory));
        });
        var parsed = command.Parse(args);
        if (parsed.Action is ParseErrorAction errors)
            errors.ShowHelp = false;
        return parsed.Invoke();
    }
}
