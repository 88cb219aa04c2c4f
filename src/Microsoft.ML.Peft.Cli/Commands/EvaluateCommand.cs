using System.CommandLine;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Cli.Data;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Says how good a model is on rows with labels.</summary>
internal static class EvaluateCommand
{
    public static Verb Create(Terminal terminal)
    {
        var verb = new Verb("evaluate", "Evaluate a model on a file of rows with labels.", "peftml evaluate tickets.zip tickets-test.csv");
        var model = new Argument<string>("MODEL") { Description = "A .zip that was trained, or an adapter directory." };
        var data = new Argument<string>("DATA") { Description = "The test rows: texts with labels." };
        var baseModel = new Option<string?>("--model") { Description = "For an adapter directory: the frozen model [default: the one that it names]", HelpName = "MODEL" };
        var columns = new TableArguments();
        verb.Add(model);
        verb.Add(data);
        columns.AddTo(verb);
        verb.Add(baseModel);
        verb.Run(terminal, (parsed, cancellation) =>
        {
            var table = TableFile.Open(parsed.GetValue(data)!, columns.Options(parsed));
            var mlContext = new MLContext(1);
            using var trained = TrainedModel.Load(mlContext, parsed.GetValue(model)!, parsed.GetValue(baseModel));
            var rows = Rows(trained, table, columns.Columns(parsed), cancellation);
            ProgressBar.Run(terminal, $"Evaluating {Path.GetFileName(table.Name)}", bar =>
            {
                table.Progress = part => bar.Set(part);
                return Evaluation.Of(mlContext, trained, rows);
            }).Write(terminal);
        });
        return verb;
    }

    private static IDataView Rows(TrainedModel model, TableFile table, (string? Text, string? Second, string? Label) given, CancellationToken cancellation)
    {
        var soft = model.SoftPrompt;
        var inference = new ColumnInference(table);
        string label = given.Label is not null || table.Find(soft.LabelColumnName) is not null
            ? inference.Existing(given.Label ?? soft.LabelColumnName)
            : throw new InvalidDataException($"'{table.Name}' has no column '{soft.LabelColumnName}', which held the labels in training; name the label column with --label-col: {TableFile.Listed(table.Columns)}.");
        string text = inference.ForPrediction(given.Text, soft.TextColumnName, label);
        string? second = soft.SecondTextColumnName is { } name ? inference.Existing(given.Second ?? name) : null;
        return model.View(table, text, second, label, cancellation);
    }
}
