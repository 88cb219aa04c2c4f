using System.CommandLine;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Trains a soft prompt on a file of rows and saves it as an ML.NET model.</summary>
internal static class TrainCommand
{
    private const string Examples = """
        peftml train tickets.csv --output tickets.zip
        peftml train reviews.jsonl --text-col review --label-col stars --task regression --method prompt
        peftml train facts.tsv --task generation --max-epochs 2 --model SmolLM2-135M-Instruct
        """;

    private static readonly Dictionary<string, PredictionTask> Tasks = new()
    {
        ["classification"] = PredictionTask.Multiclass,
        ["binary"] = PredictionTask.Binary,
        ["regression"] = PredictionTask.Regression,
        ["generation"] = PredictionTask.Generation,
    };

    public static Verb Create(Terminal terminal)
    {
        var verb = new Verb("train", "Train a soft prompt on a CSV, TSV or JSONL file.", Examples);
        var data = new Argument<string>("DATA") { Description = "The training rows: texts with labels." };
        var output = new Option<string?>("--output", "-o") { Description = "Where the model is saved [default: ./<name of the data>.zip]", HelpName = "FILE" };
        var validation = new Option<string?>("--validation") { Description = "Rows to choose the best epoch by [default: some of the training rows]", HelpName = "FILE" };
        var checkpoint = new Option<string?>("--checkpoint") { Description = "Where an interrupted training is kept, from which the same command goes on [default: <output>.checkpoint]", HelpName = "DIR" };
        var restart = new Option<bool>("--restart") { Description = "Begin anew and forget an interrupted training." };
        var task = TaskOption();
        var seed = Arguments.Number<int>("--seed", "The seed of all random numbers [default: 1]", "N");
        var gpu = Arguments.Number<int>("--gpu", "The number of the GPU to compute on [default: the CPU]", "N", 0);
        var columns = new TableArguments();
        var training = new TrainingArguments();
        verb.Add(data);
        verb.Add(output);
        columns.AddTo(verb);
        verb.Add(task);
        training.AddTo(verb);
        foreach (var option in new Option[] { validation, seed, gpu, checkpoint, restart })
            verb.Add(option);
        verb.Run(terminal, (parsed, cancellation) =>
        {
            var run = new TrainingRun(terminal, new MLContext(parsed.GetValue(seed) ?? 1) { GpuDeviceId = parsed.GetValue(gpu) }, cancellation);
            string path = parsed.GetValue(data)!, target = parsed.GetValue(output) ?? Path.ChangeExtension(Path.GetFileName(path), ".zip");
            OutputFile.Check(target);
            var rows = TrainingData.Read(
                run.MLContext, path, columns.Options(parsed), columns.Columns(parsed), Asked(parsed, task), terminal, cancellation);
            var options = training.Create(parsed);
            (options.TextColumnName, options.SecondTextColumnName, options.LabelColumnName) = (rows.Text, rows.SecondText, rows.Label);
            options.ValidationSet = parsed.GetValue(validation) is { } file ? rows.Like(file, columns.Options(parsed), cancellation) : null;
            options.CheckpointDirectory = parsed.GetValue(checkpoint) ?? target + ".checkpoint";
            run.Train(rows, options, training.Method(parsed), target, parsed.GetValue(restart));
        });
        return verb;
    }

    public static Option<string?> TaskOption()
    {
        var task = new Option<string?>("--task") { Description = $"What to learn: {string.Join(", ", Tasks.Keys)} [default: by the labels]", HelpName = "TASK" };
        task.AcceptOnlyFromAmong([.. Tasks.Keys]);
        return task;
    }

    public static PredictionTask? Asked(ParseResult parsed, Option<string?> task) => parsed.GetValue(task) is { } name ? Tasks[name] : null;
}
