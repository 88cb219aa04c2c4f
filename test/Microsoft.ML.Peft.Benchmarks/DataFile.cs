using Microsoft.ML.Data;
using Microsoft.ML.Peft.Training;

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
        if (!file.Exists)
            throw new FileNotFoundException($"'{file}' does not exist; give a TSV file with the header Text<TAB>Label.", file.FullName);
        var lines = File.ReadLines(file.FullName).ToList();
        if (lines.Count < 2 || lines[0].Split('\t') is not ["Text", "Label"])
            throw new InvalidDataException($"'{file}' does not start with the header Text<TAB>Label and at least one row.");
        return [.. lines.Skip(1).Select((line, i) => Parse(file, line, i + 2))];
    }

    /// <summary>The rows as the trainer takes them: each label is its number among <paramref name="classes"/>, -1 if it is not there.</summary>
    public static LabeledTexts Labeled(IReadOnlyList<Row> rows, IReadOnlyList<string> classes)
    {
        var numbers = classes.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => pair.i);
        return new LabeledTexts([.. rows.Select(row => row.Text)], null, [.. rows.Select(row => (float)numbers.GetValueOrDefault(row.Label, -1))]);
    }

    private static Row Parse(FileInfo file, string line, int number) => line.Split('\t') is [var text, var label]
        ? new Row { Text = text, Label = label }
        : throw new InvalidDataException($"'{file}' line {number} does not have two columns.");
}
