using System.Globalization;
using CsvHelper;
using Microsoft.ML.Peft.Cli.Data;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Writes predictions behind the columns of the rows they are for.</summary>
internal static class PredictionWriter
{
    /// <summary>Slow models show each row at once; else writing now and then is faster.</summary>
    private const int RowsPerFlush = 32;

    public static TableFormat FormatOf(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".csv" => TableFormat.Csv,
        ".jsonl" or ".ndjson" or ".json" => TableFormat.Jsonl,
        _ => TableFormat.Tsv,
    };

    /// <returns>The number of rows.</returns>
    public static int Write(TextWriter writer, TableFormat format, IReadOnlyList<string> columns, TrainedModel model, bool all, IEnumerable<Prediction> predictions)
    {
        int rows = 0;
        using var table = format == TableFormat.Jsonl ? null : CsvWriter.Create(writer, new CsvWriterOptions { Separator = format == TableFormat.Csv ? ',' : '\t', NewLine = "\n" }, leaveOpen: true);
        bool slow = model.SoftPrompt.Task == PredictionTask.Generation;
        foreach (var prediction in predictions)
        {
            var fields = Fields(columns, model, all, prediction);
            if (table is null)
                writer.WriteLine(Terminal.ToJson(fields));
            else
                WriteRow(table, fields, withHeader: rows == 0);
            rows++;
            if (slow || rows % RowsPerFlush == 0)
                Flush(writer, table);
        }
        Flush(writer, table);
        return rows;
    }

    /// <summary>The row and what is predicted for it, by column.</summary>
    public static IReadOnlyDictionary<string, object> Fields(IReadOnlyList<string> columns, TrainedModel model, bool all, Prediction prediction)
    {
        var fields = new Dictionary<string, object>();
        for (int i = 0; i < columns.Count; i++)
            fields[columns[i]] = prediction.Input[i];
        var soft = model.SoftPrompt;
        switch (soft.Task)
        {
            case PredictionTask.Generation:
                fields[soft.GeneratedTextColumnName] = prediction.Text!;
                break;
            case PredictionTask.Regression:
                fields[soft.ScoreColumnName] = prediction.Value!.Value;
                break;
            default:
                fields[soft.PredictedLabelColumnName] = prediction.Label!;
                fields[soft.ProbabilityColumnName] = prediction.Probability;
                for (int i = 0; all && i < model.Classes.Count; i++)
                    fields[$"{soft.ProbabilityColumnName}.{model.Classes[i]}"] = prediction.Probabilities[i];
                break;
        }
        return fields;
    }

    private static void WriteRow(CsvWriter table, IReadOnlyDictionary<string, object> fields, bool withHeader)
    {
        if (withHeader)
        {
            foreach (string name in fields.Keys)
                table.WriteField(name);
            table.EndRecord();
        }
        foreach (object value in fields.Values)
            table.WriteField(value is float number ? number.ToString("0.######", CultureInfo.InvariantCulture) : (string)value);
        table.EndRecord();
    }

    private static void Flush(TextWriter writer, CsvWriter? table)
    {
        table?.Flush();
        writer.Flush();
    }
}
