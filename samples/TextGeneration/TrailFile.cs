using Microsoft.ML;
using Microsoft.ML.Data;

namespace TextGeneration;

/// <summary>Reads text files with a header, tab-separated without quoting.</summary>
internal static class TrailFile
{
    /// <summary>The first rows of a file.</summary>
    public static IDataView Load(MLContext mlContext, FileInfo file, int limit)
    {
        string[] names = File.ReadLines(file.FullName).FirstOrDefault()?.Split('\t', StringSplitOptions.TrimEntries) ?? [];
        var rows = mlContext.Data.CreateTextLoader(new TextLoader.Options
        {
            HasHeader = true,
            Separators = ['\t'],
            Columns =
            [
                new TextLoader.Column(nameof(Trail.Text), DataKind.String, Index(nameof(Trail.Text))),
                new TextLoader.Column(nameof(Trail.Label), DataKind.String, Index(nameof(Trail.Label))),
            ],
        }).Load(file.FullName);
        return mlContext.Data.TakeRows(rows, limit);

        int Index(string name) => Array.IndexOf(names, name) is >= 0 and var index ? index : throw new InvalidDataException(
            $"'{file}' has no column '{name}'; its first line must name the tab-separated columns Text (what is given) and Label (what to write).");
    }
}
