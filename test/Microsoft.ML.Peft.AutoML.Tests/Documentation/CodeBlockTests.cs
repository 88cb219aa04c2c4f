using Microsoft.CodeAnalysis;
using Microsoft.ML.Peft.AutoML.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests.Documentation;

/// <summary>
/// Every block of C# in the documentation compiles, as a project with implicit usings and nullable references compiles it. A block is a whole
/// program; a fragment names in a comment before it, `compiled with: NAME`, the file in Preambles that says what stands around it.
/// </summary>
public sealed class CodeBlockTests
{
    /// <summary>What blocks may be: another spelling of C# would escape the compiler.</summary>
    private static readonly string[] Languages = ["csharp", "sh", "xml", "json", "python", "diff", "text", ""];

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
        var tree = Compiler.Parse(new string('\n', block.FirstLine - 1) + block.Code, file);
        return Compiler.Check(block.Preamble is { } preamble ? [tree, Preamble(file, block, preamble)] : [tree]);
    }

    private static SyntaxTree Preamble(string file, CodeBlock block, string name)
    {
        string path = Path.Combine(MarkdownFile.Repository, "test/Microsoft.ML.Peft.AutoML.Tests/Documentation/Preambles", name + ".cs");
        return File.Exists(path)
            ? Compiler.Parse(File.ReadAllText(path), path)
            : throw new FileNotFoundException($"{file}({block.FirstLine}): there is no preamble '{path}'.", path);
    }
}
