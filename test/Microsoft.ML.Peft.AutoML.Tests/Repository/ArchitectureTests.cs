using System.Text.RegularExpressions;
using ArchUnitNET.Domain;
using ArchUnitNET.Fluent;
using ArchUnitNET.Loader;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace Microsoft.ML.Peft.AutoML.Tests.Repository;

/// <summary>The folders are layers, and dependencies point one way: from the front door, which no folder is, down to the spaces.</summary>
public sealed class ArchitectureTests
{
    /// <summary>From the lowest layer to the highest.</summary>
    private static readonly string[] Layers = ["Spaces", "Tuners", "Trials", "Reports", "Monitoring", FrontDoor];

    private const string FrontDoor = "the front door";

    private static readonly Architecture Architecture = new ArchLoader().LoadAssembly(typeof(PeftSweep).Assembly).Build();

    private static readonly Dictionary<string, string> FolderOfType = Folders();

    public static TheoryData<string> LayerNames => [.. Layers];

    [Theory]
    [MemberData(nameof(LayerNames))]
    public void A_layer_does_not_use_the_layers_above_it(string layer)
    {
        var own = In(layer);
        var above = Layers[(Array.IndexOf(Layers, layer) + 1)..].SelectMany(In).ToList();
        Assert.NotEmpty(own);
        if (above.Count > 0)
            AssertHolds(Types().That().Are(own).Should().NotDependOnAny(Types().That().Are(above)));
    }

    [Fact]
    public void Tuners_read_no_clock_and_no_global_random_numbers()
    {
        var clocks = Architecture.ReferencedTypes.Where(type => type.FullName is "System.DateTime" or "System.DateTimeOffset" or "System.Diagnostics.Stopwatch" or "System.TimeProvider").ToList();
        Assert.NotEmpty(clocks);
        AssertHolds(Types().That().Are(In("Tuners")).Should().NotDependOnAny(Types().That().Are(clocks)));
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Source, "Tuners"), "*.cs"))
            Assert.DoesNotMatch(@"Random\.Shared|new Random\(\)|Environment\.Tick|Guid\.NewGuid|\.GetHashCode\(", File.ReadAllText(file));
    }

    [Fact]
    public void Every_type_lies_in_a_layer()
        => Assert.Empty(Architecture.Types.Where(type => type.FullName.StartsWith("Microsoft.ML.", StringComparison.Ordinal) && Folder(type) is null).Select(type => type.FullName));

    private static string Source => Path.GetFullPath(Path.Combine(Fixtures.Default, "../../../src/Microsoft.ML.Peft.AutoML"));

    private static void AssertHolds(IArchRule rule) =>
        Assert.Empty(rule.Evaluate(Architecture).Where(result => !result.Passed).Select(result => result.Description));

    private static List<IType> In(string layer) => [.. Architecture.Types.Where(type => Folder(type) == layer)];

    private static string? Folder(IType type) => FolderOfType.GetValueOrDefault(Regex.Match(type.FullName, @"^Microsoft\.ML\.(?:Peft\.AutoML\.)?(?:(?:Spaces|Tuners|Trials|Reports|Monitoring)\.)?(\w+)").Groups[1].Value);

    /// <summary>Where each type's file lies: public types' namespaces do not tell.</summary>
    private static Dictionary<string, string> Folders()
    {
        var folders = new Dictionary<string, string>();
        foreach (string file in Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories))
        {
            string folder = Path.GetRelativePath(Source, file).Split(Path.DirectorySeparatorChar)[0];
            if (folder is "obj" or "bin")
                continue;
            foreach (Match match in Regex.Matches(File.ReadAllText(file), @"^(?:public|internal) (?:static |sealed |abstract |readonly |partial )*(?:class|record struct|record|enum|interface|struct) (\w+)", RegexOptions.Multiline))
                folders[match.Groups[1].Value] = folder.EndsWith(".cs", StringComparison.Ordinal) ? FrontDoor : folder;
        }
        return folders;
    }
}
