using System.Globalization;
using System.Text;
using CsvHelper;
using Microsoft.ML.Peft.Cli.Data;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>
/// Rows in the one shape that ML.NET's text loader reads without loss: UTF-8, commas, every field quoted, line breaks as `\n`, labels as it parses
/// them. Whatever shape they were given in, a generated project reads this.
/// </summary>
/// <param name="Table">The rows; those without a label are left out.</param>
/// <param name="Columns">The table's columns to write, the label last.</param>
internal sealed record DataCopy(TableFile Table, IReadOnlyList<string> Columns)
{
    private const int LongestExample = 200;

    private int[] Sources => [.. Columns.Select(Table.IndexOf)];

    /// <summary>The texts of the first row that is not empty, cut to what one likes to read.</summary>
    public IReadOnlyList<string>? Example
    {
        get
        {
            int[] texts = Sources[..^1];
            string[]? row = Table.Rows().FirstOrDefault(row => texts.All(text => !string.IsNullOrWhiteSpace(row[text])));
            return row is null ? null : [.. texts.Select(text => Shortened(Text(row[text])))];
        }
    }

    /// <summary>Writes the rows.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">Says what the columns are called, and what labels mean.</param>
    /// <param name="cancellation">Ends writing.</param>
    /// <returns>The number of rows.</returns>
    public int Write(string path, TrainingConfig config, CancellationToken cancellation)
    {
        int[] sources = Sources;
        using var text = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        using var csv = CsvWriter.Create(text, new CsvWriterOptions { Separator = ',', Quoting = CsvQuoting.Always, NewLine = "\n" }, leaveOpen: true);
        Record(csv, new ModelColumns(config).All.Select(column => Text(column.Column)));
        int rows = 0;
        foreach (string[] row in Table.Rows())
        {
            cancellation.ThrowIfCancellationRequested();
            if (string.IsNullOrWhiteSpace(row[sources[^1]]))
                continue;
            Record(csv, [.. sources[..^1].Select(source => Text(row[source])), Label(row[sources[^1]], config.Scenario)]);
            rows++;
        }
        csv.Flush();
        return rows;
    }

    private static void Record(CsvWriter csv, IEnumerable<string> fields)
    {
        foreach (string field in fields)
            csv.WriteField(field);
        csv.EndRecord();
    }

    /// <summary>The loader takes a carriage return for a line's end and gives it back as a line feed.</summary>
    private static string Text(string text) => text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');

    private string Label(string label, PredictionTask task) => task switch
    {
        PredictionTask.Binary => (LabelText.Boolean(label) ?? throw Unreadable(label, "true or false")) ? bool.TrueString : bool.FalseString,
        PredictionTask.Regression => (LabelText.Number(label) ?? throw Unreadable(label, "a number")).ToString("R", CultureInfo.InvariantCulture),
        _ => Text(label),
    };

    private InvalidDataException Unreadable(string label, string expected) => new($"'{Table.Name}': the label '{label}' is not {expected}, as the model's labels are; choose another column with --label-col, or another file.");

    private static string Shortened(string text)
    {
        if (text.Length <= LongestExample)
            return text;
        int end = text.LastIndexOf(' ', LongestExample);
        return text[..(end > 0 ? end : char.IsHighSurrogate(text[LongestExample - 1]) ? LongestExample - 1 : LongestExample)];
    }
}
