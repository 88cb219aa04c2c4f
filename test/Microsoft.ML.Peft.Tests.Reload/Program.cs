// Microsoft.ML.Peft.Tests.Reload <pipeline.zip> <text> ...
//
// Loads a saved pipeline and prints, for each text, {"PredictedLabel": "...", "Score": [...]} as one JSON line.
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;

var context = new MLContext();
var model = context.Model.Load(args[0], out _);
var rows = context.Data.LoadFromEnumerable(args.Skip(1).Select(text => new Row { Text = text }));
foreach (var prediction in context.Data.CreateEnumerable<Prediction>(model.Transform(rows), reuseRowObject: false))
    Console.WriteLine(JsonSerializer.Serialize(prediction));

internal sealed class Row
{
    public string Label { get; set; } = "";

    public string Text { get; set; } = "";
}

internal sealed class Prediction
{
    public string PredictedLabel { get; set; } = "";

    public float[] Score { get; set; } = [];
}
