using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Microsoft.ML.Peft.AutoML.Tests.Documentation;

/// <summary>
/// Every block of C# in the documentation compiles, as a project with implicit usings and nullable references compiles it. A block is a whole
/// program; a fragment names in a comment before it, `compiled with: NAME`, the file in Preambles that says what stands around it.
/// </summary>
public sealed class CodeBlockTests
{
    /// <summary>What blocks may be: another spelling of C# would escape the compiler.</summary>
    private static readonly string[] Languages = ["csharp", "sh", "xml", "json", "python", "diff", "text", ""];

    private static readonly CSharpParseOptions Parsing = new(LanguageVersion.Preview, DocumentationMode.None);

    private static readonly CSharpCompilationOptions Compiling = new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable)
        // As in a project: versions that packages were built against may be older than those beside them.
        .WithSpecificDiagnosticOptions([new("CS1701", ReportDiagnostic.Suppress), new("CS1702", ReportDiagnostic.Suppress)]);

    private static readonly SyntaxTree ImplicitUsings = CSharpSyntaxTree.ParseText(
        """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
        global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
        """, Parsing);

    /// <summary>All blocks are added to this one, so that the referenced assemblies are read once.</summary>
    private static readonly CSharpCompilation Project = CSharpCompilation.Create(
        "Documentation", [ImplicitUsings],
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)), Compiling);

    public static TheoryData<string> Files => [.. MarkdownFile.All];

    public static TheoryData<string> FilesWithCode => [.. MarkdownFile.All.Where(name => MarkdownFile.Read(name).CSharp.Any())];

    [Theory]
    [MemberData(nameof(FilesWithCode))]
    public void Every_block_of_CSharp_compiles(string file)
        => Problems.AreNone(MarkdownFile.Read(file).CSharp.SelectMany(block => Compile(file, block)));

    [Theory]
    [MemberData(nameof(Files))]
    public void Blocks_are_of_known_languages(string file)
        => Problems.AreNone(MarkdownFile.Read(file).Languages.Except(Languages).Select(language => $"{file} has a block of '{language}'; use one of {string.Join(", ", Languages)}."));

    [Fact]
    public void A_block_that_does_not_compile_is_reported_with_file_and_line()
    {
        var wrong = new CodeBlock("using Microsoft.ML.Peft;\n\nvar options = new PrefixTuningOptions { Virtual = 1 };", FirstLine: 7, Preamble: null);
        string problem = Assert.Single(Compile("docs/page.md", wrong));
        Assert.StartsWith("docs/page.md(9,", problem, StringComparison.Ordinal);
        Assert.Contains("'PrefixTuningOptions' does not contain a definition for 'Virtual'", problem, StringComparison.Ordinal);
    }

    /// <summary>Errors and warnings, as the compiler writes them.</summary>
    private static IEnumerable<string> Compile(string file, CodeBlock block)
    {
        // Empty lines before it give diagnostics the lines of the file.
        var tree = CSharpSyntaxTree.ParseText(new string('\n', block.FirstLine - 1) + block.Code, Parsing, path: file);
        var kind = tree.GetCompilationUnitRoot().Members.Any(member => member is GlobalStatementSyntax) ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary;
        var compilation = Project.WithOptions(Compiling.WithOutputKind(kind)).AddSyntaxTrees(tree);
        if (block.Preamble is { } preamble)
            compilation = compilation.AddSyntaxTrees(Preamble(file, block, preamble));
        return compilation.GetDiagnostics().Where(problem => problem.Severity >= DiagnosticSeverity.Warning).Select(problem => problem.ToString());
    }

    private static SyntaxTree Preamble(string file, CodeBlock block, string name)
    {
        string path = Path.Combine(MarkdownFile.Repository, "test/Microsoft.ML.Peft.AutoML.Tests/Documentation/Preambles", name + ".cs");
        return File.Exists(path)
            ? CSharpSyntaxTree.ParseText(File.ReadAllText(path), Parsing, path)
            : throw new FileNotFoundException($"{file}({block.FirstLine}): there is no preamble '{path}'.", path);
    }
}
