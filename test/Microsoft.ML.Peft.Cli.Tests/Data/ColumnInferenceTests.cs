using Microsoft.ML.Peft.Cli.Data;

namespace Microsoft.ML.Peft.Cli.Tests.Data;

public sealed class ColumnInferenceTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void Usual_names_are_known_in_several_languages()
    {
        Assert.Equal(("Text", "Label"), For("Text,Label\nshort,a very long label that is no text at all\n"));
        Assert.Equal(("Nachricht", "Kategorie"), For("Nachricht,Kategorie\nkurz,a\n"));
        Assert.Equal(("本文", "ラベル"), For("ラベル,本文\nあ,い\n"));
    }

    [Fact]
    public void Unusual_names_are_found_by_what_the_columns_hold() =>
        Assert.Equal(("said", "queue"), For("nr,said,queue\n" + string.Concat(Enumerable.Range(100, 20).Select(i => $"{i},the parcel {i} has not come,{(i % 2 == 0 ? "ship" : "bill")}\n")), repeat: 1));

    [Fact]
    public void What_is_given_is_taken()
    {
        Assert.Equal(("b", "a"), For("a,b\nx,y\n", text: "b", label: "A"));
        Assert.Contains("has no column 'c'; it has 'a', 'b'", Error("a,b\nx,y\n", text: "c"));
    }

    [Fact]
    public void What_is_not_clear_is_asked_with_the_candidates()
    {
        Assert.Contains("--text-col: 'one', 'two'", Error("one,two,label\nabcd efgh,ijkl mnop,x\n"));
        Assert.Contains("--label-col: 'a', 'b'", Error("text,a,b\n" + string.Concat(Enumerable.Range(0, 8).Select(i => $"some long text {i},{i % 2}x,{i % 3}y\n"))));
        Assert.Contains("is the separator right?", Error("text and label\nx y\n"));
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>The columns of a file in which the rows are repeated until they suffice.</summary>
    private (string Text, string Label) For(string content, string? text = null, string? label = null, int repeat = 10) =>
        new ColumnInference(TableFile.Open(_directory.Write("a.csv", content + string.Concat(Enumerable.Repeat(content[(content.IndexOf('\n') + 1)..], repeat - 1))), new TableOptions(HasHeader: true))).ForTraining(text, null, label, null);

    private string Error(string content, string? text = null) => Assert.Throws<InvalidDataException>(() => For(content, text)).Message;
}
