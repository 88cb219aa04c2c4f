using System.Text;

namespace Microsoft.ML.Peft.Cli.Data;

/// <summary>Rows with named columns, read one by one: a file of any size takes no more memory than a row.</summary>
internal sealed class TableFile
{
    private const string OnlyColumn = "Text";

    private readonly Func<TableFile, IEnumerable<string[]>> _read;

    private TableFile(string name, IReadOnlyList<string> columns, Func<TableFile, IEnumerable<string[]>> read)
    {
        (Name, Columns, _read) = (name, columns, read);
    }

    /// <summary>What messages call it.</summary>
    public string Name { get; }

    /// <summary>The columns' names.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>Told how much of the file has been read, 0 to 1.</summary>
    public Action<double>? Progress { get; set; }

    /// <summary>The rows, with a value for each column; an empty text where there is none.</summary>
    public IEnumerable<string[]> Rows() => _read(this);

    /// <summary>The first rows.</summary>
    public IReadOnlyList<string[]> Sample(int count = 1000) => [.. Rows().Take(count)];

    /// <summary>The place of a column.</summary>
    /// <param name="name">Its name; upper and lower case only matter where two names differ in nothing else.</param>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public int IndexOf(string name) => Find(name) ?? throw new InvalidDataException($"'{Name}' has no column '{name}'; it has {Listed(Columns)}.");

    public int? Find(string name)
    {
        int exact = Columns.ToList().IndexOf(name);
        if (exact >= 0)
            return exact;
        int[] alike = [.. Enumerable.Range(0, Columns.Count).Where(i => Columns[i].Equals(name, StringComparison.OrdinalIgnoreCase))];
        return alike is [var one] ? one : null;
    }

    public static string Listed(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"'{name}'"));

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is empty, has no header, or is not in its format or encoding.</exception>
    public static TableFile Open(string path, TableOptions options)
    {
        if (Directory.Exists(path))
            throw new InvalidDataException($"'{path}' is a directory; give a file of rows.");
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no file '{path}'.", path);
        var source = new TextSource(path, TextEncoding.Of(path, options.Encoding));
        string start = source.ReadStart();
        if (string.IsNullOrWhiteSpace(start))
            throw new InvalidDataException($"'{path}' is empty; it needs a header line and rows.");
        var format = options.Format ?? FormatOf(path, start);
        if (format == TableFormat.Lines)
            return new TableFile(path, [OnlyColumn], table => source.Lines(table.Report).Where(line => line.Text.Length > 0).Select(line => new[] { line.Text }));
        if (format == TableFormat.Jsonl)
        {
            var columns = JsonLines.Columns(source);
            return new TableFile(path, columns, table => JsonLines.Rows(source, columns, table.Report));
        }
        var delimited = Delimited.Open(source, start, format, options);
        return new TableFile(path, delimited.Columns, table => delimited.Rows(table.Report));
    }

    /// <summary>One row.</summary>
    public static TableFile OfRow(IReadOnlyList<string> columns, string[] row) => OfRows("input", columns, [row]);

    /// <summary>Rows in memory.</summary>
    public static TableFile OfRows(string name, IReadOnlyList<string> columns, IEnumerable<string[]> rows) => new(name, columns, _ => rows);

    /// <summary>A text on each line, as it comes.</summary>
    public static TableFile OfLines(string name, Func<string?> readLine) => new(name, [OnlyColumn], _ => Lines(readLine));

    private void Report(double part) => Progress?.Invoke(part);

    private static IEnumerable<string[]> Lines(Func<string?> readLine)
    {
        while (readLine() is { } line)
        {
            if (line.Length > 0)
                yield return [line];
        }
    }

    private static TableFormat FormatOf(string path, string start) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".csv" => TableFormat.Csv,
        ".tsv" or ".tab" => TableFormat.Tsv,
        ".jsonl" or ".ndjson" => TableFormat.Jsonl,
        ".txt" => TableFormat.Lines,
        _ => start.TrimStart() switch
        {
            ['{', ..] => TableFormat.Jsonl,
            ['[', ..] => throw new InvalidDataException($"'{path}' is one JSON array; give a file with a JSON object on each line (jq -c '.[]' makes one)."),
            var text => text.Split('\n')[0].Contains('\t') ? TableFormat.Tsv : TableFormat.Csv,
        },
    };
}
