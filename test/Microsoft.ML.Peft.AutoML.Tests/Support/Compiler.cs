using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Microsoft.ML.Peft.AutoML.Tests.Support;

/// <summary>Compiles C# as a user's project with implicit usings and nullable references does.</summary>
internal static class Compiler
{
    private static readonly CSharpParseOptions Parsing = new(LanguageVersion.Preview, DocumentationMode.None);

    private static readonly CSharpCompilationOptions Compiling = new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable)
        // As in a project: versions that packages were built against may be older than those beside them.
        .WithSpecificDiagnosticOptions([new("CS1701", ReportDiagnostic.Suppress), new("CS1702", ReportDiagnostic.Suppress)]);

    private static readonly SyntaxTree ImplicitUsings = Parse(
        """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
        global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
        """);

    /// <summary>All sources are added to this one, so that the referenced assemblies are read once.</summary>
    private static readonly CSharpCompilation Project = CSharpCompilation.Create(
        "Project", [ImplicitUsings],
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)), Compiling);

    /// <summary>Reads a whole file, or the statements of a program.</summary>
    /// <param name="source">The file's text.</param>
    /// <param name="path">What errors call it.</param>
    public static SyntaxTree Parse(string source, string path = "") => CSharpSyntaxTree.ParseText(source, Parsing, path);

    /// <summary>Errors and warnings, as the compiler writes them. With statements in the first file it is a program, else a library.</summary>
    public static IEnumerable<string> Check(params SyntaxTree[] sources) => Problems(Of("Project", sources).GetDiagnostics());

    /// <summary>The compiled sources, loaded. Errors and warnings fail the test.</summary>
    /// <param name="name">The assembly's name.</param>
    /// <param name="sources">Whole files.</param>
    public static Assembly Compile(string name, params string[] sources)
    {
        using var assembly = new MemoryStream();
        var result = Of(name, [.. sources.Select(source => Parse(source))]).Emit(assembly);
        Assert.Empty(Problems(result.Diagnostics));
        return Assembly.Load(assembly.ToArray());
    }

    private static CSharpCompilation Of(string name, SyntaxTree[] sources)
    {
        bool isProgram = sources[0].GetCompilationUnitRoot().Members.Any(member => member is GlobalStatementSyntax);
        var options = isProgram ? Compiling.WithOutputKind(OutputKind.ConsoleApplication) : Compiling;
        return Project.WithAssemblyName(name).WithOptions(options).AddSyntaxTrees(sources);
    }

    private static IEnumerable<string> Problems(IEnumerable<Diagnostic> diagnostics) =>
        diagnostics.Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning).Select(diagnostic => diagnostic.ToString());
}
