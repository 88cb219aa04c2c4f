using System.Text.Json;
using Microsoft.ML.Peft.Cli.Commands;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Tests.Support;

/// <summary>What a command line came to.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>The output as JSON, or its last line of several.</summary>
    public JsonElement Json => JsonDocument.Parse(Output.Trim().Split('\n')[^1]).RootElement;

    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public CommandResult Succeeds()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Error}");
        return this;
    }

    /// <summary>Fails with one sentence and no stack trace.</summary>
    public CommandResult FailsWith(params string[] parts)
    {
        Assert.True(ExitCode == Cli.Output.ExitCode.Failure, $"exit code {ExitCode}: {Error}");
        string last = Error.TrimEnd().Split('\n')[^1];
        Assert.StartsWith("Error: ", last);
        Assert.DoesNotContain("   at ", Error);
        foreach (string part in parts)
            Assert.Contains(part, last);
        return this;
    }
}

/// <summary>Runs the program within the test's process.</summary>
internal static class Peftml
{
    public static Task<CommandResult> RunAsync(params string[] args) => TypeAsync("", default, args);

    /// <param name="input">The standard input.</param>
    /// <param name="terminals">Which of input, output and errors count as terminals.</param>
    /// <param name="args">The command line.</param>
    public static async Task<CommandResult> TypeAsync(string input, (bool, bool, bool) terminals, params string[] args)
    {
        var output = new StringWriter { NewLine = "\n" };
        var error = new StringWriter { NewLine = "\n" };
        int code = await PeftmlCommand.RunAsync(args, new Terminal(new StringReader(input), output, error, terminals));
        return new CommandResult(code, output.ToString(), error.ToString());
    }
}
