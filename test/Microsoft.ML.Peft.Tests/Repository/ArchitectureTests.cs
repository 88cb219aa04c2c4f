using System.Text.RegularExpressions;
using ArchUnitNET.Domain;
using ArchUnitNET.Fluent;
using ArchUnitNET.Loader;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace Microsoft.ML.Peft.Tests.Repository;

/// <summary>The folders are layers, and dependencies point one way: from the front door down to the native libraries.</summary>
public sealed class ArchitectureTests
{
    /// <summary>From the lowest layer to the highest.</summary>
    private static readonly string[] Layers = ["Native", "Checkpoints", "Tokenization", "Backbones", "Methods", "Inference", "Training", "DataViews", "Estimators"];


    private static readonly Architecture Architecture = new ArchLoader().LoadAssembly(typeof(PeftModel).Assembly).Build();

    private static readonly IReadOnlyList<IType> Product = [.. Architecture.Types];

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
    public void Checkpoints_and_tokenizers_do_not_know_each_other()
    {
        AssertHolds(Types().That().Are(In("Checkpoints")).Should().NotDependOnAny(Types().That().Are(In("Tokenization"))));
        AssertHolds(Types().That().Are(In("Tokenization")).Should().NotDependOnAny(Types().That().Are(In("Checkpoints"))));
    }

    [Fact]
    public void Nothing_below_the_data_views_knows_ML_NET()
    {
        var core = Layers.TakeWhile(layer => layer != "DataViews").SelectMany(In);
        var framework = Architecture.Types.Concat(Architecture.ReferencedTypes)
            .Where(type => Regex.IsMatch(type.FullName, @"^Microsoft\.ML\.(?!Peft\.|Tokenizers\.|PeftCatalog)"))
            .ToList();
        Assert.NotEmpty(framework);
        AssertHolds(Types().That().Are(core).Should().NotDependOnAny(Types().That().Are(framework)));
    }

    [Fact]
    public void Every_type_lies_in_the_folder_of_its_namespace_or_is_public()
    {
        foreach (var type in Product.Where(type => Folder(type) is null && !Generated(type)))
            Assert.Fail($"{type.FullName} is in no layer: give it the namespace of its folder, or a file of its own name if it is public.");
    }

    private static void AssertHolds(IArchRule rule) =>
        Assert.Empty(rule.Evaluate(Architecture).Where(result => !result.Passed).Select(result => result.Description));

    private static IEnumerable<IType> In(string layer) => Product.Where(type => Folder(type) == layer);

    /// <summary>An internal type's folder is its namespace; a public one's, whose namespace is the front door's, is where its file lies.</summary>
    private static string? Folder(IType type)
    {
        var match = Regex.Match(type.FullName, @"^Microsoft\.ML\.Peft\.(\w+)\.");
        if (match.Success && Layers.Contains(match.Groups[1].Value))
            return match.Groups[1].Value;
        string name = Regex.Match(type.FullName, @"^Microsoft\.ML\.(?:Peft\.)?(\w+)").Groups[1].Value;
        return FolderOfFile.GetValueOrDefault(name);
    }

    private static bool Generated(IType type) => !type.FullName.StartsWith("Microsoft.ML.", StringComparison.Ordinal);

    private static readonly Dictionary<string, string> FolderOfFile = SourceFiles();

    private static Dictionary<string, string> SourceFiles()
    {
        string source = Path.GetFullPath(Path.Combine(Fixtures.Default, "../../../src/Microsoft.ML.Peft"));
        var folders = new Dictionary<string, string>();
        foreach (string file in Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories))
        {
            string folder = Path.GetRelativePath(source, file).Split(Path.DirectorySeparatorChar)[0];
            if (folder is "obj" or "bin")
                continue;
            // A file may hold small public companions of the type that it is named after.
            foreach (Match match in Regex.Matches(File.ReadAllText(file), @"^public (?:static |sealed |abstract |readonly |partial )*(?:class|record|enum|interface|record struct|struct) (\w+)", RegexOptions.Multiline))
                folders[match.Groups[1].Value] = folder.EndsWith(".cs", StringComparison.Ordinal) ? "FrontDoor" : folder;
        }
        return folders;
    }
}
