using Microsoft.ML.Data;
using Microsoft.ML.Peft.Cli.Output;
using Spectre.Console;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>How good a model is on some rows.</summary>
/// <param name="Task">What it predicts.</param>
/// <param name="Rows">The rows that were counted.</param>
/// <param name="Metrics">The metrics by name, the most important first.</param>
/// <param name="Confusion">For classes, how often each was predicted as which; null without classes.</param>
/// <param name="Classes">The classes' names.</param>
internal sealed record Evaluation(PredictionTask Task, long Rows, IReadOnlyDictionary<string, double> Metrics, ConfusionMatrix? Confusion, IReadOnlyList<string> Classes)
{
    private const int MostClassesInMatrix = 12;
    private const int ConfusionsListed = 15;

    /// <summary>Rows of a class that the model does not know, which are not counted.</summary>
    public long Unknown { get; init; }

    public static Evaluation Of(MLContext mlContext, TrainedModel model, IDataView rows)
    {
        var soft = model.SoftPrompt;
        string label = soft.LabelColumnName;
        // Evaluators read several times; the cache keeps predicting to once.
        var scored = mlContext.Data.Cache(model.Transform(rows));
        switch (soft.Task)
        {
            case PredictionTask.Multiclass:
                return OfClasses(mlContext, model, scored);
            case PredictionTask.Binary:
                var binary = mlContext.BinaryClassification.Evaluate(scored, label, soft.ScoreColumnName, soft.ProbabilityColumnName, soft.PredictedLabelColumnName);
                return new Evaluation(soft.Task, Count(scored), new Dictionary<string, double>
                {
                    ["accuracy"] = binary.Accuracy,
                    ["areaUnderRocCurve"] = binary.AreaUnderRocCurve,
                    ["f1"] = binary.F1Score,
                    ["logLoss"] = binary.LogLoss,
                }, binary.ConfusionMatrix, [bool.TrueString, bool.FalseString]);
            case PredictionTask.Regression:
                var values = mlContext.Regression.Evaluate(scored, label, soft.ScoreColumnName);
                return new Evaluation(soft.Task, Count(scored), new Dictionary<string, double>
                {
                    ["rSquared"] = values.RSquared,
                    ["meanAbsoluteError"] = values.MeanAbsoluteError,
                    ["rootMeanSquaredError"] = values.RootMeanSquaredError,
                }, null, []);
            default:
                var written = mlContext.TextGeneration().Evaluate(scored, label, soft.GeneratedTextColumnName);
                return new Evaluation(soft.Task, written.Rows, new Dictionary<string, double> { ["rougeL"] = written.RougeL, ["bleu4"] = written.Bleu4 }, null, []);
        }
    }

    public void Write(Terminal terminal)
    {
        if (terminal.Json)
        {
            terminal.WriteJson(new { Task, Rows, Unknown, Metrics, Classes, Confusion = Confusion?.Counts });
            return;
        }
        if (Confusion is not null)
        {
            WriteClasses(terminal.Results, Confusion);
            WriteConfusion(terminal.Results, Confusion);
        }
        terminal.Results.MarkupLine(string.Join(", ", Metrics.Select((metric, i) => i == 0 ? $"[bold]{Shown(metric)}[/]" : Shown(metric))) + $"; {Rows} rows.");
        if (Unknown > 0)
            terminal.Results.WriteLine($"{Unknown} rows were left out: the model was not trained on their labels.");
    }

    private static Evaluation OfClasses(MLContext mlContext, TrainedModel model, IDataView scored)
    {
        var soft = model.SoftPrompt;
        var classes = model.Classes;
        IDataView labelled = scored.Schema[soft.LabelColumnName].Type is KeyDataViewType
            ? scored
            : mlContext.Transforms.Conversion.MapValueToKey([new InputOutputColumnPair(soft.LabelColumnName)], keyData: mlContext.Data.LoadFromEnumerable(classes.Select(name => new ClassName { Name = name }))).Fit(scored).Transform(scored);
        var metrics = mlContext.MulticlassClassification.Evaluate(labelled, soft.LabelColumnName, soft.ScoreColumnName, soft.PredictedLabelColumnName);
        long rows = (long)metrics.ConfusionMatrix.Counts.Sum(row => row.Sum());
        if (rows == 0)
            throw new InvalidDataException($"No row has a label that the model was trained on; the classes are {Data.TableFile.Listed(classes)}. Choose the label column with --label-col.");
        return new Evaluation(PredictionTask.Multiclass, rows, new Dictionary<string, double>
        {
            ["accuracy"] = metrics.MicroAccuracy,
            ["macroAccuracy"] = metrics.MacroAccuracy,
            ["logLoss"] = metrics.LogLoss,
        }, metrics.ConfusionMatrix, classes)
        { Unknown = Count(scored) - rows };
    }

    private static long Count(IDataView view)
    {
        using var cursor = view.GetRowCursor([]);
        long rows = 0;
        while (cursor.MoveNext())
            rows++;
        return rows;
    }

    private static string Shown(KeyValuePair<string, double> metric) => metric.Key switch
    {
        "accuracy" => $"Accuracy {metric.Value:P1}",
        "macroAccuracy" => $"macro accuracy {metric.Value:P1}",
        "areaUnderRocCurve" => $"AUC {metric.Value:0.000}",
        "f1" => $"F1 {metric.Value:0.000}",
        "logLoss" => $"log-loss {metric.Value:0.000}",
        "rSquared" => $"R² {metric.Value:0.000}",
        "meanAbsoluteError" => $"mean absolute error {metric.Value:0.000}",
        "rootMeanSquaredError" => $"RMS error {metric.Value:0.000}",
        "rougeL" => $"ROUGE-L {100 * metric.Value:0.0}",
        _ => $"BLEU-4 {100 * metric.Value:0.0}",
    };

    private void WriteClasses(IAnsiConsole console, ConfusionMatrix matrix)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("Class");
        foreach (string column in new[] { "Rows", "Precision", "Recall", "F1" })
            table.AddColumn(new TableColumn(column).RightAligned());
        for (int c = 0; c < Classes.Count; c++)
        {
            double precision = matrix.PerClassPrecision[c], recall = matrix.PerClassRecall[c];
            double f1 = precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
            table.AddRow(Markup.Escape(Classes[c]), $"{matrix.Counts[c].Sum()}", $"{precision:P0}", $"{recall:P0}", $"{f1:P0}");
        }
        console.Write(table);
    }

    private void WriteConfusion(IAnsiConsole console, ConfusionMatrix matrix)
    {
        if (Classes.Count > MostClassesInMatrix)
        {
            WriteConfusions(console, matrix);
            return;
        }
        var table = new Table().Border(TableBorder.Rounded).AddColumn("Is \\ predicted as");
        for (int c = 0; c < Classes.Count; c++)
            table.AddColumn(new TableColumn($"{c + 1}").RightAligned());
        for (int row = 0; row < Classes.Count; row++)
            table.AddRow([$"{row + 1} {Markup.Escape(Classes[row])}", .. matrix.Counts[row].Select((count, column) => Cell(count, row == column))]);
        console.Write(table);
    }

    /// <summary>A matrix of many classes is too wide: what is confused most is listed.</summary>
    private void WriteConfusions(IAnsiConsole console, ConfusionMatrix matrix)
    {
        var confusions = from row in Enumerable.Range(0, Classes.Count)
                         from column in Enumerable.Range(0, Classes.Count)
                         where row != column && matrix.Counts[row][column] > 0
                         orderby matrix.Counts[row][column] descending
                         select (Is: Classes[row], As: Classes[column], Count: matrix.Counts[row][column]);
        var table = new Table().Border(TableBorder.Rounded).AddColumn(new TableColumn("Times").RightAligned()).AddColumns("Is", "Predicted as");
        foreach (var (actual, predicted, count) in confusions.Take(ConfusionsListed))
            table.AddRow($"{count}", Markup.Escape(actual), Markup.Escape(predicted));
        if (table.Rows.Count > 0)
            console.Write(table);
    }

    private static string Cell(double count, bool isRight) => count == 0 ? "[grey].[/]" : isRight ? $"[green]{count}[/]" : $"[red]{count}[/]";

    private sealed class ClassName
    {
        public string Name { get; set; } = "";
    }
}
