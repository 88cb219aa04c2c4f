using Microsoft.ML.Data;
using Microsoft.ML.Peft;
using Spectre.Console;

namespace QuickStart;

/// <summary>What the program says about a trained model, and asks.</summary>
internal static class Report
{
    private const int MostClassesInMatrix = 12;
    private const int PredictionsShown = 5;
    private const int ClassesPerPrediction = 3;
    private const float LeastProbabilityShown = 0.005f;

    public static void Evaluation(MulticlassClassificationMetrics metrics, IReadOnlyList<string> classes, int testRows)
    {
        var matrix = metrics.ConfusionMatrix;
        Classes(matrix, classes);
        Confusion(matrix, classes);
        double rows = matrix.Counts.Sum(row => row.Sum());
        AnsiConsole.MarkupLine($"[bold]Accuracy {metrics.MicroAccuracy:P1}[/] of {rows} rows, log-loss {metrics.LogLoss:0.000}.");
        if (rows < testRows)
            AnsiConsole.WriteLine($"{testRows - rows} rows of a class that the training rows do not have were left out.");
    }

    /// <summary>Whether the soft prompt was worth it: a linear model on the frozen model's embeddings is the thing to beat.</summary>
    public static void Probe(TrainingHistory history)
    {
        if (history is not { ProbeValidationMetric: { } probe, ValidationMetric: { } reached, ImprovementOverProbe: { } gain })
        {
            AnsiConsole.WriteLine("No rows were held out for validation, so there is no linear probe to compare with.");
            return;
        }
        AnsiConsole.WriteLine($"On the rows held out of training for validation: soft prompt {reached:P1}, linear probe {probe:P1}.");
        string verdict = gain switch
        {
            > 0 => $"The soft prompt beat the linear probe by {100 * gain:0.0} points. These rows also chose its best epoch, so expect less on others.",
            < 0 => $"The soft prompt did not beat the linear probe: it is {-100 * gain:0.0} points behind, so the simpler model would do.",
            _ => "The soft prompt is only as good as the linear probe, so the simpler model would do.",
        };
        AnsiConsole.MarkupLine($"[bold]{verdict}[/]");
    }

    public static void Predictions(IEnumerable<LabeledPrediction> predictions, IReadOnlyList<string> classes)
    {
        foreach (var prediction in predictions.Where(prediction => prediction.Label.Length > 0).Take(PredictionsShown))
        {
            bool isRight = prediction.PredictedLabel == prediction.Label;
            AnsiConsole.MarkupLine($"[italic]{Markup.Escape(prediction.Text)}[/]");
            Prediction(prediction, classes, isRight ? " [green](right)[/]" : $" [red](wrong, it is {Markup.Escape(prediction.Label)})[/]");
        }
    }

    public static void Prediction(Prediction prediction, IReadOnlyList<string> classes, string verdict = "")
    {
        var likeliest = classes.Zip(prediction.Score).OrderByDescending(pair => pair.Second).Take(ClassesPerPrediction);
        var shown = likeliest.Where((pair, i) => i == 0 || pair.Second >= LeastProbabilityShown).Select(pair => $"{Markup.Escape(pair.First)} {pair.Second:P0}");
        AnsiConsole.MarkupLine($"  → [bold]{string.Join(", ", shown)}[/]{verdict}");
    }

    public static void File(FileInfo file)
    {
        file.Refresh();
        AnsiConsole.WriteLine($"{file.FullName}: {file.Length / 1024.0:0} KB.");
    }

    /// <summary>The given text; if there is none, the lines that the user types, until an empty one.</summary>
    public static IEnumerable<string> Texts(string? given)
    {
        if (given is not null)
        {
            AnsiConsole.MarkupLine($"[bold]>[/] {Markup.Escape(given)}");
            yield return given;
        }
        if (given is not null || Console.IsInputRedirected || !AnsiConsole.Profile.Out.IsTerminal)
            yield break;
        AnsiConsole.WriteLine("Type a message to classify; an empty line ends the program.");
        while (true)
        {
            AnsiConsole.Markup("[bold]>[/] ");
            if (Console.ReadLine() is not { Length: > 0 } line)
                yield break;
            yield return line;
        }
    }

    private static void Classes(ConfusionMatrix matrix, IReadOnlyList<string> classes)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("Class");
        foreach (string column in new[] { "Rows", "Precision", "Recall", "F1" })
            table.AddColumn(new TableColumn(column).RightAligned());
        for (int c = 0; c < classes.Count; c++)
        {
            double precision = matrix.PerClassPrecision[c], recall = matrix.PerClassRecall[c];
            double f1 = precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
            table.AddRow(Markup.Escape(classes[c]), $"{matrix.Counts[c].Sum()}", $"{precision:P0}", $"{recall:P0}", $"{f1:P0}");
        }
        AnsiConsole.Write(table);
    }

    private static void Confusion(ConfusionMatrix matrix, IReadOnlyList<string> classes)
    {
        if (classes.Count > MostClassesInMatrix)
        {
            AnsiConsole.WriteLine($"The confusion matrix of {classes.Count} classes is too wide to print.");
            return;
        }
        var table = new Table().Border(TableBorder.Rounded).AddColumn("Is \\ predicted as");
        for (int c = 0; c < classes.Count; c++)
            table.AddColumn(new TableColumn($"{c + 1}").RightAligned());
        for (int row = 0; row < classes.Count; row++)
            table.AddRow([$"{row + 1} {Markup.Escape(classes[row])}", .. matrix.Counts[row].Select((count, column) => Cell(count, row == column))]);
        AnsiConsole.Write(table);
    }

    private static string Cell(double count, bool isRight) => count == 0 ? "[grey].[/]" : isRight ? $"[green]{count}[/]" : $"[red]{count}[/]";
}
