using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Microsoft.ML.Peft.Cli.Tests.Support;

/// <summary>Compiles the C# of a generated project as its project file would, within the test's process.</summary>
internal static class ProjectCompiler
{
    private static readonly string[] Usings = ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks"];

    private static readonly string[] WebUsings =
    [
        .. Usings, "System.Net.Http.Json", "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Http", "Microsoft.AspNetCore.Routing",
        "Microsoft.Extensions.Configuration", "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Hosting", "Microsoft.Extensions.Logging",
    ];

    private static readonly CSharpParseOptions Parsing = new(LanguageVersion.Preview, DocumentationMode.Diagnose);

    // What references mean is found out once.
    private static readonly CSharpCompilation Console = With(Usings), Web = With(WebUsings);

    /// <summary>The errors and warnings of whole files.</summary>
    public static IReadOnlyList<string> Problems(bool isWeb, IEnumerable<string> sources)
    {
        var compilation = (isWeb ? Web : Console).AddSyntaxTrees(sources.Select(source => CSharpSyntaxTree.ParseText(source, Parsing)));
        // That not all is documented is no problem of a program.
        return [.. compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning && diagnostic.Id != "CS1591").Select(diagnostic => diagnostic.ToString())];
    }

    private static CSharpCompilation With(IEnumerable<string> usings)
    {
        var platform = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create(
            "Generated", [CSharpSyntaxTree.ParseText(string.Concat(usings.Select(space => $"global using global::{space};\n")), Parsing)], platform,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        compilation.GetDiagnostics();
        return compilation;
    }
}
