using System.Globalization;
using System.Text;
using CsvHelper;
using Microsoft.ML.Peft.Checkpoints;

namespace Microsoft.ML.Peft.AutoML.Reports;

/// <summary>Trials as a table of RFC 4180.</summary>
internal static class TrialsCsv
{
    private static readonly (string Name, Func<PeftTrialResult, object?> Value)[] Fixed =
    [
        ("TrialId", trial => trial.TrialId),
        ("Method", trial => trial.Method),
        ("IsBaseline", trial => trial.IsBaseline),
        ("Status", trial => trial.Status),
        ("Rung", trial => trial.Rung),
        ("Epochs", trial => trial.Epochs),
        ("Metric", trial => trial.Metric),
        ("Seconds", trial => trial.Duration.TotalSeconds),
        ("AdapterBytes", trial => trial.AdapterBytes),
        ("MillisecondsPerText", trial => trial.MillisecondsPerText),
        ("PeakMemoryInMegaByte", trial => trial.PeakMemoryInMegaByte),
        ("Seed", trial => trial.Seed),
        ("FailureReason", trial => trial.Failure?.Reason),
        ("FailureMessage", trial => trial.Failure?.Message),
        ("AdapterPath", trial => trial.AdapterPath),
        ("ModelPath", trial => trial.ModelPath),
    ];

    public static void Write(string path, IReadOnlyList<PeftTrialResult> trials) => AtomicFile.Write(path, stream =>
    {
        using var text = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        using var csv = CsvWriter.Create(text, CsvWriterOptions.Default, leaveOpen: true);
        var columns = Columns(trials);
        WriteRow(csv, columns.Select(column => column.Name));
        foreach (var trial in trials)
            WriteRow(csv, columns.Select(column => Text(column.Value(trial))));
    });

    /// <summary>What every trial has, then each metric, then each option that any trial has.</summary>
    private static List<(string Name, Func<PeftTrialResult, object?> Value)> Columns(IReadOnlyList<PeftTrialResult> trials)
    {
        var metrics = trials.SelectMany(trial => trial.Metrics.Keys).Distinct().Order(StringComparer.Ordinal);
        var options = trials.SelectMany(trial => trial.Parameters.Keys).Distinct();
        return
        [
            .. Fixed,
            .. metrics.Select(name => (name, (Func<PeftTrialResult, object?>)(trial => trial.Metrics.TryGetValue(name, out double value) ? value : null))),
            .. options.Select(name => (name, (Func<PeftTrialResult, object?>)(trial => trial.Parameters.GetValueOrDefault(name)))),
        ];
    }

    private static void WriteRow(CsvWriter csv, IEnumerable<string> fields)
    {
        foreach (string field in fields)
            csv.WriteField(field);
        csv.EndRecord();
    }

    /// <summary>Numbers read back to the same bits; what there is not is empty.</summary>
    private static string Text(object? value) => value switch
    {
        null or double.NaN => "",
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        bool truth => truth ? "true" : "false",
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };
}
