using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using WebApi;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace Microsoft.ML.Peft.WebApi.Tests.Repository;

/// <summary>Classifying and writing stand on adapters, and all three on hosting; the two do not know each other.</summary>
public sealed class ArchitectureTests
{
    private static readonly Architecture Architecture = new ArchLoader().LoadAssembly(typeof(Settings).Assembly).Build();

    [Theory]
    [InlineData("Hosting", "Adapters")]
    [InlineData("Hosting", "Classification")]
    [InlineData("Hosting", "Generation")]
    [InlineData("Adapters", "Classification")]
    [InlineData("Adapters", "Generation")]
    [InlineData("Classification", "Generation")]
    [InlineData("Generation", "Classification")]
    public void A_folder_does_not_know_another(string folder, string other)
    {
        IType[] own = In(folder), others = In(other);
        Assert.NotEmpty(own);
        Assert.NotEmpty(others);
        var rule = Types().That().Are(own).Should().NotDependOnAny(Types().That().Are(others));
        Assert.Empty(rule.Evaluate(Architecture).Where(result => !result.Passed).Select(result => result.Description));
    }

    private static IType[] In(string folder) => [.. Architecture.Types.Where(type => type.FullName.StartsWith($"WebApi.{folder}.", StringComparison.Ordinal))];
}
