using Microsoft.ML.Peft.Benchmarks;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Benchmarks;

public sealed class ReferencedTextTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Theory]
    [InlineData("""{"text": "a", "references": ["b", "c"]}""")]
    [InlineData("""{"Id": 3, "References": ["b", "c"], "Input": "a"}""")]
    [InlineData("""{"mr": "a", "targets": ["b", "c"]}""")]
    public void Fields_may_be_named_in_several_ways(string line)
    {
        var text = Assert.Single(Read(line + "\n\n"));
        Assert.Equal("a", text.Text);
        Assert.Equal(["b", "c"], text.References);
    }

    [Fact]
    public void One_reference_needs_no_list() => Assert.Equal(["b"], Assert.Single(Read("""{"text": "a", "label": "b"}""")).References);

    [Fact]
    public void Rows_of_the_same_text_are_its_references()
    {
        var texts = Read("Text\tLabel\na\tb\nd\te\na\tc\n");
        Assert.Equal(["a", "d"], texts.Select(text => text.Text));
        Assert.Equal(["b", "c"], texts[0].References);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("""{"text": "a"}""", "line 1 has none of the fields references")]
    [InlineData("{\"text\": \"a\", \"references\": [\"b\"]}\n{\"text\": 3, \"references\": []}", "line 2: 3 is not a text")]
    [InlineData("""{"text": "a", "references": []}""", "line 1 has no reference")]
    [InlineData("""{"text": "a" """, "line 1 is not valid JSON")]
    [InlineData("Label\tText\n", "Text<TAB>Label")]
    public void A_wrong_file_is_refused_with_the_line(string content, string problem) =>
        Assert.Contains(problem, Assert.Throws<InvalidDataException>(() => Read(content)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("nowhere.jsonl", Assert.Throws<FileNotFoundException>(() => ReferencedText.Read(new FileInfo("nowhere.jsonl"))).Message, StringComparison.Ordinal);

    public void Dispose() => _directory.Dispose();

    private IReadOnlyList<ReferencedText> Read(string content)
    {
        var file = new FileInfo(Path.Combine(_directory.Path, "texts"));
        File.WriteAllText(file.FullName, content);
        return ReferencedText.Read(file);
    }
}
