using System.CommandLine;
using Microsoft.ML.Peft.Cli.Commands;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Tests.Commands;

public sealed class HelpTests
{
    private static readonly string[] Paths = [.. Leaves(PeftmlCommand.Create(new Terminal(TextReader.Null, TextWriter.Null, TextWriter.Null)), "")];

    public static TheoryData<string> Verbs => [.. Paths];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_command_has_help_with_an_example_and_describes_all_it_takes(string verb)
    {
        var help = (await Peftml.RunAsync([.. verb.Split(' '), "--help"])).Succeeds();
        Assert.Contains("Example", help.Output);
        Assert.Contains($"peftml {verb}", help.Output);
        Assert.DoesNotContain("Nullable", help.Output);
        Assert.DoesNotContain("System.", help.Output);
        Assert.Equal("", help.Error);
    }

    [Fact]
    public async Task Without_a_command_the_commands_are_listed()
    {
        var help = (await Peftml.RunAsync("--help")).Succeeds();
        foreach (string verb in Paths.Select(path => path.Split(' ')[0]))
            Assert.Contains($"  {verb}", help.Output);
        foreach (string[] group in new string[][] { [], ["models"] })
        {
            var none = await Peftml.RunAsync(group);
            Assert.Equal(2, none.ExitCode);
            Assert.Contains("Commands:", none.Output);
        }
    }

    [Fact]
    public async Task Options_and_their_values_are_suggested()
    {
        Assert.Contains("--virtual-tokens", (await Peftml.RunAsync("[suggest:14]", "peftml train --")).Succeeds().Lines);
        Assert.Contains("p-tuning-mlp", (await Peftml.RunAsync("[suggest:22]", "peftml train --method ")).Succeeds().Lines);
        Assert.Contains("bfloat16", (await Peftml.RunAsync("[suggest:25]", "peftml train --precision ")).Succeeds().Lines);
        Assert.Contains("automl", (await Peftml.RunAsync("[suggest:7]", "peftml ")).Succeeds().Lines);
    }

    private static IEnumerable<string> Leaves(System.CommandLine.Command command, string path) =>
        command.Subcommands.Count == 0 ? [path] : command.Subcommands.SelectMany(sub => Leaves(sub, path.Length == 0 ? sub.Name : $"{path} {sub.Name}"));
}
