using Microsoft.ML.Data;
using Spectre.Console;

namespace CrossValidation;

/// <summary>What the program says.</summary>
internal static class Report
{
    public static void Folds(IReadOnlyList<MulticlassClassificationMetrics> folds)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("Part");
        foreach (string column in new[] { "Rows", "Accuracy", "Macro accuracy", "Log-loss" })
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (var (fold, number) in folds.Select((fold, i) => (fold, i + 1)))
            table.AddRow($"{number}", $"{fold.ConfusionMatrix.Counts.Sum(row => row.Sum())}", $"{fold.MicroAccuracy:P1}", $"{fold.MacroAccuracy:P1}", $"{fold.LogLoss:0.000}");
        table.AddEmptyRow();
        table.AddRow("mean", "", Mean(folds, fold => fold.MicroAccuracy, "P1"), Mean(folds, fold => fold.MacroAccuracy, "P1"), Mean(folds, fold => fold.LogLoss, "0.000"));
        AnsiConsole.Write(table);
    }

    public static void Calibration(Calibration calibration) =>
        AnsiConsole.WriteLine($"Probabilities are off by {calibration.Error:P1} on average (expected calibration error).");

    public static void Files(params string[] files)
    {
        foreach (string file in files)
            AnsiConsole.WriteLine($"Drawn: {file}");
    }

    /// <summary>Mean and standard deviation over the parts.</summary>
    private static string Mean(IReadOnlyList<MulticlassClassificationMetrics> folds, Func<MulticlassClassificationMetrics, double> metric, string format)
    {
        double mean = folds.Average(metric);
        double deviation = Math.Sqrt(folds.Sum(fold => Math.Pow(metric(fold) - mean, 2)) / (folds.Count - 1));
        return $"{mean.ToString(format)} ± {deviation.ToString(format)}";
    }
}
