using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using Microsoft.ML.Peft.Cli.Output;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace Microsoft.ML.Peft.Cli.Tests.Repository;

/// <summary>Commands stand on making projects, which stands on reading rows, and on writing to terminals; none of these knows what stands on it.</summary>
public sealed class ArchitectureTests
{
    private static readonly Architecture Architecture = new ArchLoader().LoadAssembly(typeof(Terminal).Assembly).Build();

    [Theory]
    [InlineData("Data", "Commands")]
    [InlineData("Data", "Output")]
    [InlineData("Output", "Commands")]
    [InlineData("Output", "Data")]
    [InlineData("Data", "Projects")]
    [InlineData("Output", "Projects")]
    [InlineData("Projects", "Commands")]
    [InlineData("Projects", "Output")]
    public void A_folder_does_not_know_another(string folder, string other)
    {
        IType[] own = In(folder), others = In(other);
        Assert.NotEmpty(own);
        Assert.NotEmpty(others);
        var rule = Types().That().Are(own).Should().NotDependOnAny(Types().That().Are(others));
        Assert.Empty(rule.Evaluate(Architecture).Where(result => !result.Passed).Select(result => result.Description));
    }

    private static IType[] In(string folder) => [.. Architecture.Types.Where(type => type.FullName.StartsWith($"Microsoft.ML.Peft.Cli.{folder}.", StringComparison.Ordinal))];
}
