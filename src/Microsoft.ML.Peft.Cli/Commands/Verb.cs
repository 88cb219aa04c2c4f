using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>A command with examples in its help, whose errors become one sentence and an exit code.</summary>
internal sealed class Verb : System.CommandLine.Command
{
    private readonly string _examples;

    /// <param name="name">The command's name.</param>
    /// <param name="description">What it does.</param>
    /// <param name="examples">Command lines, one on each line.</param>
    public Verb(string name, string description, string examples)
        : base(name, description) => _examples = examples;

    public void Run(Terminal terminal, Func<ParseResult, CancellationToken, Task> action) => SetAction(async (parsed, cancellation) =>
    {
        PeftmlCommand.ApplyGlobalOptions(parsed, terminal);
        try
        {
            await action(parsed, cancellation);
            return ExitCode.Success;
        }
        // Some wrap the cancellation.
        catch (Exception e) when (cancellation.IsCancellationRequested)
        {
            return Fail(terminal, e is InterruptedException ? e.Message : "Interrupted.", ExitCode.Interrupted);
        }
        catch (Exception e) when (Environment.GetEnvironmentVariable(Errors.TraceVariable) is not "1")
        {
            return Fail(terminal, Errors.Sentence(e, Options), ExitCode.Failure);
        }
    });

    public void Run(Terminal terminal, Action<ParseResult, CancellationToken> action) => Run(terminal, (parsed, cancellation) =>
    {
        action(parsed, cancellation);
        return Task.CompletedTask;
    });

    /// <summary>Says why a command ends.</summary>
    public static int Fail(Terminal terminal, string message, int code)
    {
        if (terminal.Json)
            terminal.Error.WriteLine(Terminal.ToJson(new { Error = message, ExitCode = code }));
        else
            terminal.Error.WriteLine(code == ExitCode.Interrupted ? message : $"Error: {message}");
        return code;
    }

    /// <summary>The help of every command, with its examples.</summary>
    internal sealed class Help(HelpAction inner) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int code = inner.Invoke(parseResult);
            if (parseResult.CommandResult.Command is Verb verb)
            {
                var output = parseResult.InvocationConfiguration.Output;
                output.WriteLine(verb._examples.Contains('\n') ? "Examples:" : "Example:");
                foreach (string line in verb._examples.Split('\n'))
                    output.WriteLine($"  {line}");
                output.WriteLine();
            }
            return code;
        }
    }
}

/// <summary>An interruption that says how to go on.</summary>
internal sealed class InterruptedException(string message) : OperationCanceledException(message);
