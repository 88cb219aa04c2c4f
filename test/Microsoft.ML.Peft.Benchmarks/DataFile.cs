using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>A tab-separated file with the header `Text<TAB>Label`, without quoting.</summary>
internal sealed class DataFile
{
    public sealed class Row
    {
        [LoadColumn(0)]
        public string Text { get; set; } = "";

        [LoadColumn(1)]
        public string Label { get; set; } = "";
    }

    public static IReadOnlyList<Row> Read(FileInfo file)
    {
        var lines = File.ReadLines(file.FullName).ToList();
        if (lines.Count < 2 || lines[0].Split('\t') is not ["Text", "Label"])
            throw new InvalidDataException($"'{file}' does not start with the header Text<TAB>Label and at least one row.");
        return [.. lines.Skip(1).Select((line, i) => Parse(file, line, i + 2))];
    }

    private static Row Parse(FileInfo file, string line, int number) => line.Split('\t') is [var text, var label]
        ? new Row { Text = text, Label = label }
        : throw new InvalidDataException($"'{file}' line {number} does not have two columns.");
}
