using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Microsoft.ML.Peft.AutoML.Tests.Support;

/// <summary>Compiles C# as a user's project would, with this project's implicit usings.</summary>
internal static class Compiler
{
    private const string ImplicitUsings = """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
        global using System.Threading; global using System.Threading.Tasks;
        """;

    private static readonly MetadataReference[] Platform =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path))];

    /// <summary>The compiled sources, loaded. Errors and warnings fail the test.</summary>
    /// <param name="name">The assembly's name.</param>
    /// <param name="sources">Whole files.</param>
    public static Assembly Compile(string name, params string[] sources)
    {
        var options = new CSharpParseOptions(LanguageVersion.Preview, DocumentationMode.None);
        var compilation = CSharpCompilation.Create(
            name, sources.Append(ImplicitUsings).Select(source => CSharpSyntaxTree.ParseText(source, options)), Platform,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
        using var assembly = new MemoryStream();
        var result = compilation.Emit(assembly);
        Assert.Empty(result.Diagnostics.Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning).Select(diagnostic => diagnostic.ToString()));
        return Assembly.Load(assembly.ToArray());
    }
}
