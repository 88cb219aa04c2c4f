using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>The program's command line.</summary>
internal static class PeftmlCommand
{
    private static readonly Option<bool> Json = new("--json") { Description = "Write results as JSON, for programs.", Recursive = true };
    private static readonly Option<bool> Quiet = new("--quiet", "-q") { Description = "Say nothing on the way, only results and errors.", Recursive = true };

    /// <summary>Parses a command line and runs it.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancellation = default)
    {
        var configuration = new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        var parsed = Create(terminal).Parse(args);
        if (parsed.Action is not ParseErrorAction)
            return await parsed.InvokeAsync(configuration, cancellation);
        // Who names no command wants to see which there are.
        if (parsed.UnmatchedTokens.Count == 0 && parsed.CommandResult.Command is { Action: null, Subcommands.Count: > 0 } group)
        {
            await Create(terminal).Parse([.. Parents(group).Reverse().Skip(1), "--help"]).InvokeAsync(configuration, cancellation);
            return ExitCode.Usage;
        }
        // What was wrong, and not a page of help around it.
        ApplyGlobalOptions(parsed, terminal);
        string messages = string.Join(' ', parsed.Errors.Select(error => error.Message).Distinct());
        return Verb.Fail(terminal, $"{messages} See '{Path(parsed.CommandResult.Command)} --help'.", ExitCode.Usage);
    }

    public static RootCommand Create(Terminal terminal)
    {
        var root = new RootCommand("Soft prompts for frozen language models: train, evaluate, predict, generate, search and convert.")
        {
            Json, Quiet,
            TrainCommand.Create(terminal), EvaluateCommand.Create(terminal), PredictCommand.Create(terminal), GenerateCommand.Create(terminal),
            AutoMLCommand.Create(terminal), NewCommand.Create(terminal), InfoCommand.Create(terminal), ConvertCommand.Create(terminal), ModelsCommand.Create(terminal),
            CompletionCommand.Create(terminal),
        };
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new Verb.Help((HelpAction)help.Action!);
        // Completion would offer them all.
        foreach (string alias in help.Aliases.Except(["-h"]).ToList())
            help.Aliases.Remove(alias);
        return root;
    }

    public static void ApplyGlobalOptions(ParseResult parsed, Terminal terminal)
    {
        terminal.Json = parsed.GetValue(Json);
        terminal.Quiet = parsed.GetValue(Quiet);
    }

    private static string Path(Symbol command) => string.Join(' ', Parents(command).Reverse());

    private static IEnumerable<string> Parents(Symbol command)
    {
        for (Symbol? symbol = command; symbol is not null; symbol = symbol.Parents.FirstOrDefault())
            yield return symbol is RootCommand ? "peftml" : symbol.Name;
    }
}
