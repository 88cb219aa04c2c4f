namespace Microsoft.ML.Peft.AutoML.Tests.Documentation;

/// <summary>What the documentation links to in this repository is there.</summary>
public sealed class LinkTests
{
    public static TheoryData<string> Files => [.. MarkdownFile.All];

    [Theory]
    [MemberData(nameof(Files))]
    public void Relative_links_and_their_anchors_exist(string file)
    {
        var page = MarkdownFile.Read(file);
        Problems.AreNone(page.Links.Where(link => !Exists(page, link.Target)).Select(link => $"{file}({link.Line}): {link.Target}"));
    }

    [Fact]
    public void Every_page_of_docs_is_in_the_index()
    {
        var index = MarkdownFile.Read("docs/README.md").Links.Select(link => link.Target.Split('#')[0]).ToHashSet();
        var pages = MarkdownFile.All.Where(name => name.StartsWith("docs/", StringComparison.Ordinal)).Select(name => name["docs/".Length..]).Where(name => name != "README.md");
        Assert.Empty(pages.Except(index));
    }

    [Fact]
    public void Every_image_is_shown_somewhere()
    {
        string images = Path.Combine(MarkdownFile.Repository, "docs", "images");
        var shown = MarkdownFile.All.Select(MarkdownFile.Read).SelectMany(page => page.Links.Select(link => Target(page, link.Target))).ToHashSet();
        Assert.Empty(Directory.EnumerateFiles(images).Except(shown));
    }

    private static bool Exists(MarkdownFile page, string link)
    {
        if (Uri.TryCreate(link, UriKind.Absolute, out _))
            return true;
        string target = Target(page, link);
        if (!File.Exists(target) && !Directory.Exists(target))
            return false;
        return link.Split('#') is not [_, var anchor] || MarkdownFile.Read(Path.GetRelativePath(MarkdownFile.Repository, target)).Anchors.Contains(anchor);
    }

    private static string Target(MarkdownFile page, string link)
    {
        string path = link.Split('#')[0];
        return path.Length == 0 ? page.Path : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page.Path)!, path));
    }
}
