using System.CommandLine;
using System.CommandLine.Invocation;
using Samples;

namespace ManyTasks;

/// <summary>The command line.</summary>
internal sealed record Arguments(DirectoryInfo Adapters, int Epochs, int VirtualTokens, int Seed, int Copies, int Seconds, IReadOnlyList<string> Texts)
{
    private const string Description = """
        Three tasks over one frozen model: which queue a message belongs to, how urgent it is, and what mood it is in. Trains a soft
        prompt for each, unless they are there already, and predicts with all of them in one batch. Adds and removes
        adapters while other threads predict.

        Examples:
          dotnet run --project samples/ManyTasks -c Release
          dotnet run --project samples/ManyTasks -c Release -- --text "The parcel is lost again, call me at once!"
        """;

    private static readonly string[] SampleTexts =
    [
        "My invoice shows an amount that I do not know, please have a look this week.",
        "The router is dead and our shop opens in half an hour!",
        "I am still so happy about the quick delivery, just saying thanks.",
    ];

    /// <summary>Parses the command line and runs the program; the result is the exit code.</summary>
    public static int Invoke(string[] args, Func<Arguments, int> program)
    {
        var adapters = new Option<DirectoryInfo>("--adapters") { Description = "The folder of the adapters; those that are missing are trained.", HelpName = "DIRECTORY", DefaultValueFactory = _ => new DirectoryInfo("adapters") };
        var epochs = new Option<int>("--epochs") { Description = "At most so many passes over the training rows.", HelpName = "N", DefaultValueFactory = _ => 10 };
        var virtualTokens = new Option<int>("--virtual-tokens") { Description = "The length of each soft prompt.", HelpName = "N", DefaultValueFactory = _ => 10 };
        var seed = new Option<int>("--seed") { Description = "The seed of all random numbers.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var copies = new Option<int>("--copies") { Description = "How many more adapters are added to see what they cost.", HelpName = "N", DefaultValueFactory = _ => 100 };
        var seconds = new Option<int>("--seconds") { Description = "How long adapters come and go while others predict.", HelpName = "N", DefaultValueFactory = _ => 5 };
        var texts = new Option<string[]>("--text") { Description = "A message to classify; may be given several times.", HelpName = "TEXT" };
        foreach (var number in new Option<int>[] { epochs, virtualTokens, copies, seconds })
            number.Validators.Add(OptionChecks.AtLeastOne);

        var command = new RootCommand(Description) { adapters, epochs, virtualTokens, seed, copies, seconds, texts };
        command.SetAction(values => program(new Arguments(
            values.GetValue(adapters)!, values.GetValue(epochs), values.GetValue(virtualTokens), values.GetValue(seed),
            values.GetValue(copies), values.GetValue(seconds), values.GetValue(texts) is { Length: > 0 } given ? given : SampleTexts)));
        var parsed = command.Parse(args);
        if (parsed.Action is ParseErrorAction errors)
            errors.ShowHelp = false;
        return parsed.Invoke();
    }

    public string Directory(string task) => Path.Combine(Adapters.FullName, task.ToLowerInvariant());
}
