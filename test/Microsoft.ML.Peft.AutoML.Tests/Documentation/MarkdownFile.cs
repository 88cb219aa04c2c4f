using System.Text.RegularExpressions;
using Markdig;
using Markdig.Extensions.AutoIdentifiers;
using Markdig.Extensions.Tables;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Microsoft.ML.Peft.AutoML.Tests.Documentation;

/// <summary>A page of the documentation, read as GitHub reads it.</summary>
internal sealed partial class MarkdownFile
{
    private static readonly MarkdownPipeline Pipeline =
        new MarkdownPipelineBuilder().UsePipeTables().UseAutoIdentifiers(AutoIdentifierOptions.GitHub).UsePreciseSourceLocation().Build();

    private readonly MarkdownDocument _document;

    private MarkdownFile(string name)
    {
        Name = name;
        _document = Markdown.Parse(File.ReadAllText(Path), Pipeline);
    }

    public static string Repository { get; } = System.IO.Path.GetFullPath(System.IO.Path.Combine(Fixtures.Default, "../../.."));

    /// <summary>README, CONTRIBUTING, docs, and the READMEs of samples, sources and tests, relative to the repository.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "README.md", "CONTRIBUTING.md", .. Under("docs", "*.md"), .. Under("samples", "README.md"), .. Under("src", "README.md"), .. Under("test", "README.md"),
    ];

    /// <summary>Relative to the repository, with slashes.</summary>
    public string Name { get; }

    public string Path => System.IO.Path.Combine(Repository, Name);

    /// <summary>The languages that code blocks name; empty for none.</summary>
    public IEnumerable<string> Languages => _document.Descendants<FencedCodeBlock>().Select(block => block.Info ?? "");

    public IEnumerable<CodeBlock> CSharp => _document.Descendants<FencedCodeBlock>().Where(block => block.Info == "csharp")
        .Select(block => new CodeBlock(block.Lines.ToString(), FirstLine: block.Line + 2, Preamble(block)));

    /// <summary>What `#` can be followed by in a link to this page.</summary>
    public IReadOnlySet<string> Anchors => _document.Descendants<HeadingBlock>().Select(heading => heading.GetAttributes().Id!).ToHashSet();

    /// <summary>The targets of links and images, those in HTML too, with their line.</summary>
    public IEnumerable<(string Target, int Line)> Links =>
        _document.Descendants<LinkInline>().Select(link => (link.Url!, link.Line + 1))
            .Concat(_document.Descendants<HtmlBlock>().SelectMany(html => HtmlTarget().Matches(html.Lines.ToString()).Select(match => (match.Groups[1].Value, html.Line + 1))))
            .Concat(_document.Descendants<HtmlInline>().SelectMany(html => HtmlTarget().Matches(html.Tag).Select(match => (match.Groups[1].Value, html.Line + 1))));

    /// <summary>The cells of all tables below a heading and its subheadings, row by row, headers left out.</summary>
    public IReadOnlyList<IReadOnlyList<Cell>> RowsUnder(string heading)
    {
        var start = _document.OfType<HeadingBlock>().SingleOrDefault(block => Text(block) == heading) ?? throw new InvalidDataException($"{Name} has no heading '{heading}'.");
        var section = _document.SkipWhile(block => block != start).Skip(1).TakeWhile(block => block is not HeadingBlock { Level: var level } || level > start.Level);
        return [.. section.OfType<Table>().SelectMany(table => table.OfType<TableRow>()).Where(row => !row.IsHeader).Select(Cells)];
    }

    /// <summary>All that stands in backticks below a heading.</summary>
    public IReadOnlyList<string> CodesUnder(string heading)
    {
        var start = _document.OfType<HeadingBlock>().Single(block => Text(block) == heading);
        return [.. _document.SkipWhile(block => block != start).Skip(1).TakeWhile(block => block is not HeadingBlock).SelectMany(Codes)];
    }

    public static MarkdownFile Read(string name) => new(name);

    private static IEnumerable<string> Under(string folder, string pattern) => Directory.EnumerateFiles(System.IO.Path.Combine(Repository, folder), pattern, SearchOption.AllDirectories)
        .Select(path => System.IO.Path.GetRelativePath(Repository, path).Replace('\\', '/'))
        .Where(name => !name.Split('/').Any(part => part is "bin" or "obj" or "Fixtures")).Order(StringComparer.Ordinal);

    private static string? Preamble(FencedCodeBlock block)
    {
        var before = block.Parent!.TakeWhile(other => other != block).LastOrDefault();
        return before is HtmlBlock html && CompiledWith().Match(html.Lines.ToString()) is { Success: true } match ? match.Groups[1].Value : null;
    }

    private static IReadOnlyList<Cell> Cells(TableRow row) => [.. row.OfType<TableCell>().Select(cell => new Cell(Text(cell), [.. Codes(cell)]))];

    private static IEnumerable<string> Codes(MarkdownObject block) => Inlines(block).OfType<CodeInline>().Select(code => code.Content.Replace("\\|", "|", StringComparison.Ordinal));

    private static string Text(MarkdownObject block) => string.Concat(Inlines(block).Select(inline => inline switch
    {
        CodeInline code => code.Content,
        LiteralInline literal => literal.Content.ToString(),
        HtmlEntityInline entity => entity.Transcoded.ToString(),
        _ => "",
    })).Trim();

    private static IEnumerable<LeafInline> Inlines(MarkdownObject block)
        => block is LeafBlock leaf ? leaf.Inline?.FindDescendants<LeafInline>() ?? [] : block.Descendants<LeafInline>();

    [GeneratedRegex("<!-- compiled with: ([a-z-]+) -->")]
    private static partial Regex CompiledWith();

    [GeneratedRegex(@"\b(?:href|src|srcset)=""([^""]+)""")]
    private static partial Regex HtmlTarget();
}

/// <summary>A block of C#.</summary>
/// <param name="Code">The text between the fences.</param>
/// <param name="FirstLine">The line of its first character in the file, from 1.</param>
/// <param name="Preamble">The name in a comment `compiled with` before it; null for a whole program.</param>
internal sealed record CodeBlock(string Code, int FirstLine, string? Preamble);

/// <summary>A cell of a table.</summary>
/// <param name="Text">Without markup.</param>
/// <param name="Codes">What stands in backticks.</param>
internal sealed record Cell(string Text, IReadOnlyList<string> Codes);
