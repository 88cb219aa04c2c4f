using Microsoft.ML;
using Microsoft.ML.Data;

namespace QuickStart;

/// <summary>Reads text files with a header: comma-separated with quoting (.csv), else tab-separated without.</summary>
internal static class TicketFile
{
    public static IDataView Load(MLContext mlContext, FileInfo file, string textColumn, string labelColumn)
    {
        bool isCsv = file.Extension.Equals(".csv", StringComparison.OrdinalIgnoreCase);
        char separator = isCsv ? ',' : '\t';
        string header = File.ReadLines(file.FullName).FirstOrDefault() ?? throw new InvalidDataException($"'{file}' is empty; it needs a header line and rows.");
        string[] names = [.. header.Split(separator).Select(name => name.Trim().Trim('"'))];

        return mlContext.Data.CreateTextLoader(new TextLoader.Options
        {
            HasHeader = true,
            Separators = [separator],
            AllowQuoting = isCsv,
            ReadMultilines = isCsv,
            Columns =
            [
                new TextLoader.Column(nameof(Ticket.Text), DataKind.String, Index(textColumn)),
                new TextLoader.Column(nameof(Ticket.Label), DataKind.String, Index(labelColumn)),
            ],
        }).Load(file.FullName);

        int Index(string name) => Array.IndexOf(names, name) is >= 0 and var index ? index : throw new InvalidDataException(
            $"'{file}' has no column '{name}'; its header names {string.Join(", ", names.Select(n => $"'{n}'"))}. Choose with --text-col and --label-col.");
    }

    /// <summary>Keeps a part of every class's rows for testing, so that rare classes are tested too.</summary>
    public static (IDataView Train, IDataView Test) Split(MLContext mlContext, IDataView rows, double testFraction, int seed)
    {
        var random = new Random(seed);
        var train = new List<Ticket>();
        var test = new List<Ticket>();
        foreach (var tickets in mlContext.Data.CreateEnumerable<Ticket>(rows, reuseRowObject: false).GroupBy(ticket => ticket.Label))
        {
            Ticket[] shuffled = [.. tickets];
            random.Shuffle(shuffled);
            int held = (int)Math.Round(testFraction * shuffled.Length);
            test.AddRange(shuffled[..held]);
            train.AddRange(shuffled[held..]);
        }
        if (test.Count == 0)
            throw new InvalidDataException($"With {train.Count} rows none are left for testing; give more rows, or a test file with --test.");
        return (mlContext.Data.LoadFromEnumerable(train), mlContext.Data.LoadFromEnumerable(test));
    }
}
