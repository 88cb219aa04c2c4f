using CsvHelper;

namespace Microsoft.ML.Peft.Cli.Data;

/// <summary>CSV and TSV: separators, headers, quotes and line breaks within them.</summary>
internal sealed class Delimited
{
    private const int MostRecordBytes = 64 << 20;
    private const int RowsPerReport = 64;
    private const int WordsOfText = 8;

    private readonly TextSource _source;
    private readonly CsvReaderOptions _options;
    private readonly char _separator;

    private Delimited(TextSource source, CsvReaderOptions options, char separator, IReadOnlyList<string> columns)
        => (_source, _options, _separator, Columns) = (source, options, separator, columns);

    public IReadOnlyList<string> Columns { get; }

    /// <param name="source">The file.</param>
    /// <param name="start">Its first characters.</param>
    /// <param name="format">CSV or TSV.</param>
    /// <param name="given">What the user says about it.</param>
    public static Delimited Open(TextSource source, string start, TableFormat format, TableOptions given)
    {
        var options = new CsvReaderOptions
        {
            Separator = given.Separator ?? (format == TableFormat.Tsv ? '\t' : null),
            HasHeader = false,
            TrackLineNumbers = true,
            MaxRecordSize = MostRecordBytes,
            Mode = format == TableFormat.Tsv && !Quotes(start) ? CsvMode.NoEscape : CsvMode.Rfc4180,
        };
        var (first, rows, separator) = ReadStart(start, options);
        if (given.HasHeader is null && LacksHeader(first, rows))
            throw new InvalidDataException(
                $"'{source.Path}' seems to have no header: its first line reads {TableFile.Listed(first.Select(Shortened))}; put a line of column names first, or say --header no (columns are then named 1, 2, ...) or --header yes.");
        bool named = given.HasHeader ?? true;
        string[] columns = named ? first : [.. Enumerable.Range(1, first.Length).Select(i => i.ToString())];
        if (named && columns.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new InvalidDataException($"The header of '{source.Path}' names the column '{twice.Key}' twice; give every column a name of its own.");
        if (named && rows.Count == 0)
            throw new InvalidDataException($"'{source.Path}' has a header and no rows.");
        return new Delimited(source, options with { Separator = separator, HasHeader = named }, separator, columns);
    }

    public IEnumerable<string[]> Rows(Action<double> report)
    {
        var (text, part) = _source.Open();
        using var reader = CsvReader.Create(text, _options with { OnMalformedRecord = Refuse });
        for (long row = 1; _source.Decoding(() => Read(reader)); row++)
        {
            if (row % RowsPerReport == 0)
                report(part());
            yield return Fields(reader);
        }
    }

    private bool Read(CsvReader reader)
    {
        try
        {
            return reader.Read();
        }
        catch (CsvFormatException e)
        {
            throw new InvalidDataException($"'{_source.Path}', line {e.LineNumber}: {e.Message}", e);
        }
    }

    private string[] Fields(CsvReader reader)
    {
        if (reader.FieldCount != Columns.Count)
            throw new InvalidDataException(
                $"'{_source.Path}', line {reader.LineNumber}: the row has {reader.FieldCount} fields, but there are {Columns.Count} columns; " +
                $"quote fields that hold the separator {Shown(_separator)}, or name another one with --separator.");
        string[] fields = new string[Columns.Count];
        for (int i = 0; i < fields.Length; i++)
            fields[i] = reader.GetString(i);
        return fields;
    }

    /// <summary>A stray quote within a field is a character as any other; one that opens a field has to close it.</summary>
    private void Refuse(CsvMalformedRecord record)
    {
        if (record.Reason is CsvMalformedReason.UnterminatedQuote or CsvMalformedReason.TextAfterClosingQuote)
            throw new InvalidDataException(
                $"'{_source.Path}', line {record.LineNumber}: a field begins with a quote that {(record.Reason == CsvMalformedReason.UnterminatedQuote ? "is never closed" : "is closed before the field ends")}; " +
                "double the quotes within quoted fields.");
    }

    private static (string[] First, IReadOnlyList<string[]> Rows, char Separator) ReadStart(string start, CsvReaderOptions options)
    {
        using var reader = CsvReader.FromText(start, options);
        var rows = new List<string[]>();
        while (reader.Read())
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetString)]);
        return (rows[0], rows[1..], reader.Separator);
    }

    /// <summary>Whether a TSV file quotes: some field does, and all that begin with a quote end with one.</summary>
    private static bool Quotes(string start)
    {
        int end = start.LastIndexOf('\n');
        bool broken = false;
        using var reader = CsvReader.FromText(end < 0 ? start : start[..(end + 1)], new CsvReaderOptions { Separator = '\t', HasHeader = false, OnMalformedRecord = _ => broken = true });
        int columns = -1;
        while (reader.Read() && !broken)
        {
            broken = columns >= 0 && reader.FieldCount != columns;
            columns = reader.FieldCount;
        }
        return !broken;
    }

    /// <summary>A first line of data: numbers, whole sentences, or a value that its column repeats.</summary>
    private static bool LacksHeader(string[] first, IReadOnlyList<string[]> rows)
    {
        for (int i = 0; i < first.Length; i++)
        {
            string name = first[i].Trim();
            if (name.Length == 0 || double.TryParse(name, out _) || name.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length >= WordsOfText)
                return true;
            if (rows.Count(row => i < row.Length && row[i].Trim() == name) >= 2)
                return true;
        }
        return false;
    }

    private static string Shortened(string text) => text.Length <= 40 ? text : text[..40] + "…";

    private static string Shown(char separator) => separator == '\t' ? "tab" : $"'{separator}'";
}
