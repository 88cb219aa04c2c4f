using System.CommandLine;
using Microsoft.ML.Peft.Cli.Data;
using Microsoft.ML.Peft.Cli.Output;
using Spectre.Console;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Predicts on a file, on lines of the standard input, or on what is typed.</summary>
internal static class PredictCommand
{
    private const int ClassesShown = 3;
    private const float LeastProbabilityShown = 0.005f;

    private const string Examples = """
        peftml predict tickets.zip new-tickets.csv --output predicted.tsv
        echo "Where is my parcel?" | peftml predict tickets.zip
        peftml predict tickets.zip                                  (asks for texts)
        """;

    public static Verb Create(Terminal terminal)
    {
        var verb = new Verb("predict", "Predict on a file, on lines of the standard input, or on what is typed.", Examples);
        var model = new Argument<string>("MODEL") { Description = "A .zip that was trained, or an adapter directory." };
        var data = new Argument<string?>("DATA") { Description = "The rows to predict on; - for the standard input, which is a text on each line unless --format says otherwise. Without it: what is typed, or piped in.", Arity = ArgumentArity.ZeroOrOne };
        var output = new Option<string?>("--output", "-o") { Description = "Where the predictions go, as .tsv, .csv or .jsonl [default: the standard output, as tsv]", HelpName = "FILE" };
        var all = new Option<bool>("--all") { Description = "Write the probability of every class." };
        var baseModel = new Option<string?>("--model") { Description = "For an adapter directory: the frozen model [default: the one that it names]", HelpName = "MODEL" };
        var gpu = Arguments.Number<int>("--gpu", "The number of the GPU to compute on [default: the CPU]", "N", 0);
        var columns = new TableArguments();
        verb.Add(model);
        verb.Add(data);
        verb.Add(output);
        verb.Add(all);
        columns.AddTo(verb, labels: false);
        verb.Add(baseModel);
        verb.Add(gpu);
        verb.Run(terminal, (parsed, cancellation) =>
        {
            string? source = parsed.GetValue(data), target = parsed.GetValue(output);
            if (target is not null)
                OutputFile.Check(target);
            bool asks = source is null && terminal.Terminals is { Input: true, Output: true } && target is null;
            using var input = asks ? null : PredictionInput.Open(source ?? "-", columns.Options(parsed), terminal, cancellation);
            using var trained = TrainedModel.Load(new MLContext(1) { GpuDeviceId = parsed.GetValue(gpu) }, parsed.GetValue(model)!, parsed.GetValue(baseModel));
            if (input is null)
                Ask(terminal, trained, cancellation);
            else
                Predict(terminal, trained, input.Table, columns.Columns(parsed), target, parsed.GetValue(all), cancellation);
        });
        return verb;
    }

    private static void Predict(Terminal terminal, TrainedModel model, TableFile table, (string? Text, string? Second, string? Label) given, string? target, bool all, CancellationToken cancellation)
    {
        var soft = model.SoftPrompt;
        string text = given.Text ?? (table.Columns.Count == 1 ? table.Columns[0] : new ColumnInference(table).ForPrediction(null, soft.TextColumnName, soft.LabelColumnName));
        string? second = soft.SecondTextColumnName is { } name ? table.Columns[table.IndexOf(given.Second ?? name)] : null;
        var rows = model.View(table, text, second, null, cancellation);
        var predictions = Prediction.Read(model, rows, table.Columns.Count);
        ProgressBar.Run(terminal, $"Predicting {Path.GetFileName(table.Name)}", bar =>
        {
            table.Progress = part => bar.Set(part);
            if (target is null)
                return PredictionWriter.Write(terminal.Out, terminal.Json ? TableFormat.Jsonl : TableFormat.Tsv, table.Columns, model, all, predictions);
            int count = 0;
            OutputFile.Write(target, stream =>
            {
                using var writer = new StreamWriter(stream, leaveOpen: true);
                count = PredictionWriter.Write(writer, terminal.Json ? TableFormat.Jsonl : PredictionWriter.FormatOf(target), table.Columns, model, all, predictions);
            });
            terminal.Note($"Wrote {count} rows to '{target}'.");
            return count;
        });
    }

    /// <summary>Asks for texts until an empty one, or the end of the input.</summary>
    private static void Ask(Terminal terminal, TrainedModel model, CancellationToken cancellation)
    {
        string? secondName = model.SoftPrompt.SecondTextColumnName;
        terminal.Results.MarkupLine("[grey]Type a text; an empty line ends the program.[/]");
        while (Prompted(terminal, secondName is null ? "" : model.SoftPrompt.TextColumnName, cancellation) is { Length: > 0 } text)
        {
            string second = secondName is null ? "" : Prompted(terminal, secondName, cancellation) ?? "";
            var table = TableFile.OfRow([model.SoftPrompt.TextColumnName, secondName ?? "second"], [text, second]);
            foreach (var prediction in Prediction.Read(model, model.View(table, table.Columns[0], table.Columns[1], null, cancellation), table.Columns.Count))
                Show(terminal, model, prediction);
        }
    }

    private static string? Prompted(Terminal terminal, string name, CancellationToken cancellation)
    {
        terminal.Results.Markup($"[bold]{Markup.Escape(name)}>[/] ");
        return terminal.ReadLine(cancellation);
    }

    private static void Show(Terminal terminal, TrainedModel model, Prediction prediction)
    {
        if (terminal.Json)
        {
            terminal.WriteJson(PredictionWriter.Fields(["text"], model, all: true, prediction));
            return;
        }
        string said = prediction switch
        {
            { Text: { } text } => Markup.Escape(text),
            { Value: { } value } => $"[bold]{value:0.###}[/]",
            _ => string.Join(", ", model.Classes.Zip(prediction.Probabilities).OrderByDescending(pair => pair.Second).Take(ClassesShown)
                .Where((pair, i) => i == 0 || pair.Second >= LeastProbabilityShown)
                .Select((pair, i) => i == 0 ? $"[bold]{Markup.Escape(pair.First)} {pair.Second:P1}[/]" : $"{Markup.Escape(pair.First)} {pair.Second:P1}")),
        };
        terminal.Results.MarkupLine($"  → {said}");
    }
}
