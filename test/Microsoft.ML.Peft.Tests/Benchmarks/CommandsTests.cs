using Microsoft.ML.Peft.Benchmarks;

namespace Microsoft.ML.Peft.Tests.Benchmarks;

public sealed class CommandsTests
{
    [Fact]
    public void Every_command_shows_an_example_that_it_understands()
    {
        var root = new Commands().Root();
        Assert.NotEmpty(root.Subcommands);
        foreach (var command in root.Subcommands)
        {
            string example = command.Description!.Split("Example: ")[1];
            Assert.StartsWith(command.Name + " ", example, StringComparison.Ordinal);
            Assert.Empty(root.Parse(example).Errors);
        }
    }

    [Theory]
    [InlineData("train-speed --train a.tsv --task translation")]
    [InlineData("train-speed --train a.tsv --method lora")]
    [InlineData("generate-speed --test a.jsonl --batch 0")]
    [InlineData("generate-speed --test a.jsonl --new-tokens 1")]
    [InlineData("generate-speed --test a.jsonl --concurrent 1")]
    [InlineData("memory --train a.tsv --adapters 0")]
    [InlineData("generation-quality --train a.tsv --test b.jsonl --limit 0")]
    [InlineData("memory")]
    [InlineData("load --test a.tsv --clients 0")]
    [InlineData("load --test a.tsv --batch-rows 32 0")]
    [InlineData("automl --train a.tsv --test b.tsv --tuner grid")]
    [InlineData("automl --train a.tsv --test b.tsv --concurrency 1 0")]
    [InlineData("automl --train a.tsv --test b.tsv --method prefix lora")]
    public void Wrong_arguments_are_refused(string arguments) => Assert.NotEmpty(new Commands().Root().Parse(arguments).Errors);
}
