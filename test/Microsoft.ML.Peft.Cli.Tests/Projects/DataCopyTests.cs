using Microsoft.ML.Data;
using Microsoft.ML.Peft.Cli.Data;
using Microsoft.ML.Peft.Cli.Projects;

namespace Microsoft.ML.Peft.Cli.Tests.Projects;

/// <summary>What this program has read from files of all shapes, ML.NET's text loader reads from the copy.</summary>
public sealed class DataCopyTests : IDisposable
{
    private static readonly string[] Texts =
    [
        "plain", "comma, semicolon; tab\tpipe|", "\"quoted\"", "a \"word\" in quotes", "\"", "\"\"", "ends with a quote\"", "line\nbreak", "\n", "two\n\nlines\n", "// no comment", "line\n// no comment\nline",
        "#@ TextLoader{", " spaces around ", "", "  ", "1:2 3:4", "本文「引用」、改行\nあり", "Größe €", "back\\slash\\", "a,\"b\"\n\"c\",d", "\u2028 separators \u0085", "?", "NaN", "\U0001F600",
    ];

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void Every_text_and_label_comes_back_as_it_is()
    {
        string[][] rows = [.. Texts.Select((text, i) => new[] { text, Texts[(i + 7) % Texts.Length], $"label {Texts[(i + 3) % Texts.Length]}." })];
        var read = Load<Pair>(rows, PredictionTask.Multiclass, second: true);
        Assert.Equal(rows, read.Select(row => new[] { row.Text, row.Second, row.Label }));
    }

    [Fact]
    public void Any_mixture_of_quotes_separators_and_line_breaks_comes_back_as_it_is()
    {
        const string characters = "\"\",\n\n;\t a/#:é本";
        var random = new Random(1);
        string Any() => string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => characters[random.Next(characters.Length)]));
        string[][] rows = [.. Enumerable.Range(0, 2000).Select(_ => new[] { Any(), Any(), $"{Any()}x" })];
        var read = Load<Pair>(rows, PredictionTask.Generation, second: true);
        Assert.Equal(rows, read.Select(row => new[] { row.Text, row.Second, row.Label }));
    }

    [Fact]
    public void Line_ends_of_other_systems_become_line_feeds_and_rows_without_a_label_are_left_out()
    {
        var read = Load<Single>([["a\r\nb\rc", "x"], ["left out", " "], ["d", "y"]], PredictionTask.Multiclass);
        Assert.Equal(["a\nb\nc", "d"], read.Select(row => row.Text));
    }

    [Fact]
    public void Truth_values_and_numbers_are_written_as_the_loader_parses_them()
    {
        Assert.Equal([true, false, true], Load<Truth>([["a", "ja"], ["b", "Nein"], ["c", "はい"]], PredictionTask.Binary).Select(row => row.Label));
        Assert.Equal([1.5f, -0.1f, 1e-7f], Load<Number>([["a", "1,5"], ["b", "-0.1"], ["c", "1e-7"]], PredictionTask.Regression).Select(row => row.Label));
        Assert.Contains("the label 'perhaps' is not true or false", Assert.Throws<InvalidDataException>(() => Load<Truth>([["a", "perhaps"]], PredictionTask.Binary)).Message);
    }

    [Fact]
    public void The_example_is_a_row_with_texts_cut_at_a_word()
    {
        var copy = new DataCopy(Table([["", "x"], [string.Join(' ', Enumerable.Repeat("word", 100)), "y"]]), ["0", "1"]);
        string example = Assert.Single(copy.Example!);
        Assert.InRange(example.Length, 190, 200);
        Assert.EndsWith(" word", example);
    }

    public void Dispose() => _directory.Dispose();

    private static TableFile Table(string[][] rows) => TableFile.OfRows("rows", [.. Enumerable.Range(0, rows[0].Length).Select(i => $"{i}")], rows);

    /// <summary>Through the copy, with the options that the generated code loads with.</summary>
    private IReadOnlyList<T> Load<T>(string[][] rows, PredictionTask task, bool second = false)
        where T : class, new()
    {
        var table = Table(rows);
        string path = _directory.File(Path.GetRandomFileName());
        new DataCopy(table, table.Columns).Write(path, Configs.Of(task, options: new PrefixTuningOptions { SecondTextColumnName = second ? "Second" : null }), default);
        var mlContext = new MLContext();
        var view = mlContext.Data.LoadFromTextFile<T>(path, new TextLoader.Options { Separators = [','], HasHeader = true, AllowQuoting = true, ReadMultilines = true });
        return [.. mlContext.Data.CreateEnumerable<T>(view, reuseRowObject: false)];
    }

    private sealed class Pair
    {
        [LoadColumn(0)]
        public string Text { get; set; } = "";

        [LoadColumn(1)]
        public string Second { get; set; } = "";

        [LoadColumn(2)]
        public string Label { get; set; } = "";
    }

    private sealed class Single
    {
        [LoadColumn(0)]
        public string Text { get; set; } = "";
    }

    private sealed class Truth
    {
        [LoadColumn(1)]
        public bool Label { get; set; }
    }

    private sealed class Number
    {
        [LoadColumn(1)]
        public float Label { get; set; }
    }
}
