using System.Text;
using Microsoft.ML.Peft.Cli.Data;

namespace Microsoft.ML.Peft.Cli.Tests.Data;

public sealed class TableFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void Quotes_separators_and_line_breaks_within_fields_are_text()
    {
        var table = Open("a.csv", "text,label\n\"Sie sagte: \"\"Nein\"\", dann\nging sie\",Beschwerde\neinfach,Lob\n");
        Assert.Equal(["text", "label"], table.Columns);
        Assert.Equal(["Sie sagte: \"Nein\", dann\nging sie", "Beschwerde"], table.Rows().First());
        Assert.Equal(2, table.Rows().Count());
    }

    [Fact]
    public void Semicolons_of_German_spreadsheets_are_found_though_texts_hold_commas()
    {
        var table = Open("a.csv", "Text;Kategorie\nBitte, schnell, die Rechnung;Rechnung\nEs stürzt ab, immer, wieder;Absturz\nDanke, sehr gut;Lob\n");
        Assert.Equal(["Text", "Kategorie"], table.Columns);
        Assert.Equal("Bitte, schnell, die Rechnung", table.Rows().First()[0]);
    }

    [Theory]
    [InlineData("utf-8", true)]
    [InlineData("utf-8", false)]
    [InlineData("utf-16", true)]
    [InlineData("utf-16", false)]
    [InlineData("utf-16BE", true)]
    [InlineData("utf-16BE", false)]
    public void Unicode_is_recognised_with_a_byte_order_mark_and_without(string encoding, bool mark)
    {
        string path = Write("a.csv", "本文,ラベル\n荷物はどこですか,配送\n壊れました,故障\n", Encoding.GetEncoding(encoding), mark);
        var table = TableFile.Open(path, new TableOptions());
        Assert.Equal(["本文", "ラベル"], table.Columns);
        Assert.Equal(["荷物はどこですか", "配送"], table.Rows().First());
    }

    [Theory]
    [InlineData("windows-1252", "Text,Klasse\nDie Rückgabe läuft für 5 €,Rückgabe\n", "such as windows-1252")]
    [InlineData("shift_jis", "本文,ラベル\n荷物はどこですか,配送\n", "probably shift_jis")]
    [InlineData("euc-jp", "本文,ラベル\n荷物はどこですか,配送\n", "probably euc-jp")]
    public void Other_encodings_are_refused_with_a_guess_and_read_when_they_are_named(string encoding, string content, string guess)
    {
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        string path = Write("a.csv", content, Encoding.GetEncoding(encoding), mark: false);
        string message = Assert.Throws<InvalidDataException>(() => TableFile.Open(path, new TableOptions())).Message;
        Assert.Contains("is not utf-8", message);
        Assert.Contains(guess, message);
        Assert.Equal(content, string.Concat(TableFile.Open(path, new TableOptions(Encoding: encoding)).Rows().Prepend(content.Split('\n')[0].Split(',')).Select(row => $"{row[0]},{row[1]}\n")));
    }

    [Fact]
    public void A_broken_byte_deep_in_a_file_is_told_when_it_is_reached()
    {
        string path = _directory.File("a.csv");
        File.WriteAllBytes(path, [.. Encoding.UTF8.GetBytes("text,label\n" + string.Concat(Enumerable.Repeat("some text,a\n", 20_000))), 0xE4, .. "x,b\n"u8]);
        var table = TableFile.Open(path, new TableOptions());
        Assert.Contains("--encoding", Assert.Throws<InvalidDataException>(() => table.Rows().Count()).Message);
    }

    [Fact]
    public void A_TSV_file_may_quote_or_hold_quotes_as_they_are()
    {
        var plain = Open("a.tsv", "text\tlabel\n\"Great\" he said\tpraise\n5\" screen\tscreen\n");
        Assert.Equal("\"Great\" he said", plain.Rows().First()[0]);
        var quoted = Open("b.tsv", "text\tlabel\n\"two\nlines\tand a tab\"\tpraise\n\"x\"\"y\"\tscreen\n");
        Assert.Equal(["two\nlines\tand a tab", "x\"y"], quoted.Rows().Select(row => row[0]));
    }

    [Fact]
    public void JSON_lines_may_leave_out_properties_and_hold_numbers()
    {
        var table = Open("a.jsonl", "{\"text\":\"überall\\n😀\",\"stars\":4.5}\n\n{\"stars\":null,\"text\":\"x\",\"tags\":[1]}\n{\"text\":\"y\"}\n");
        Assert.Equal(["text", "stars", "tags"], table.Columns);
        Assert.Equal([["überall\n😀", "4.5", ""], ["x", "", "[1]"], ["y", "", ""]], table.Rows());
    }

    [Fact]
    public void Columns_without_a_header_are_numbered() =>
        Assert.Equal([["hello there", "a"], ["bye", "b"]], Open("a.csv", "hello there,a\nbye,b\n", new TableOptions(HasHeader: false)).Rows());

    [Theory]
    [InlineData("a.csv", "", "is empty")]
    [InlineData("a.csv", "text,label\n", "has a header and no rows")]
    [InlineData("a.csv", "text,label\na,b\nc\n", "line 3: the row has 1 fields, but there are 2 columns")]
    [InlineData("a.csv", "text,label\n\"a\"x,b\n", "line 2: a field begins with a quote that is closed before the field ends")]
    [InlineData("a.csv", "text,label\n\"a,b\nc,d\n", "line 2: a field begins with a quote that is never closed")]
    [InlineData("a.csv", "text,text\na,b\n", "names the column 'text' twice")]
    [InlineData("a.csv", "where is it,shipping\nand now,shipping\nso late,shipping\nthanks,praise\n", "seems to have no header")]
    [InlineData("a.csv", "1,good\n2,bad\n", "seems to have no header")]
    [InlineData("a.jsonl", "{\"text\":\"a\"}\nnonsense\n", "line 2 is no JSON object")]
    [InlineData("a.jsonl", "[1]\n", "expected a JSON object")]
    [InlineData("a.json", "[{\"text\":\"a\"}]", "is one JSON array")]
    public void What_is_wrong_with_a_file_is_told_with_its_line(string name, string content, string expected)
    {
        string message = Assert.Throws<InvalidDataException>(() => Open(name, content).Rows().Count()).Message;
        Assert.Contains(expected, message);
    }

    [Fact]
    public void Rows_are_streamed()
    {
        string path = _directory.File("long.csv");
        using (var writer = new StreamWriter(path))
        {
            writer.WriteLine("text,label");
            for (int i = 0; i < 200_000; i++)
                writer.WriteLine("a text that is repeated many times to make a file of some size,a");
        }
        var table = TableFile.Open(path, new TableOptions());
        long before = GC.GetTotalMemory(forceFullCollection: true), most = 0;
        int rows = 0;
        foreach (string[] row in table.Rows())
        {
            if (++rows % 50_000 == 0)
                most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
        }
        Assert.Equal(200_000, rows);
        Assert.True(most < new FileInfo(path).Length / 2, $"{most} bytes are held of a file of {new FileInfo(path).Length}");
    }

    public void Dispose() => _directory.Dispose();

    private TableFile Open(string name, string content, TableOptions? options = null) => TableFile.Open(_directory.Write(name, content), options ?? new TableOptions());

    private string Write(string name, string content, Encoding encoding, bool mark)
    {
        File.WriteAllBytes(_directory.File(name), [.. mark ? encoding.GetPreamble() : [], .. encoding.GetBytes(content)]);
        return _directory.File(name);
    }
}
