using System.CommandLine;
using Microsoft.ML.Peft.AutoML;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Searches the method and its options that suit some rows best.</summary>
internal static class AutoMLCommand
{
    private const string Examples = """
        peftml automl tickets.csv --train-time 600 --output tickets.zip
        peftml automl --dataset tickets.csv --label-col Label --train-time 600 --name TicketModel --output Tickets     (a C# project)
        peftml automl tickets.csv --max-trials 30 --tuner bohb --methods prefix prompt --checkpoint search
        """;

    public static Verb Create(Terminal terminal)
    {
        var verb = new Verb("automl", "Search the method and options that suit a file of rows best; save the best model, or a C# project around it.", Examples);
        var data = new Argument<string?>("DATA") { Description = "The training rows: texts with labels.", Arity = ArgumentArity.ZeroOrOne };
        var dataset = new Option<string?>("--dataset") { Description = "The same as DATA.", HelpName = "FILE" };
        var output = new Option<string?>("--output", "-o") { Description = "Where the best model is saved, a .zip; or the folder of a project, without an ending or with --name [default: ./<name of the data>.zip]", HelpName = "PATH" };
        var validation = new Option<string?>("--validation") { Description = "Rows to compare trials by [default: a fifth of the training rows]", HelpName = "FILE" };
        var folds = Arguments.Number<int>("--folds", "Compare trials by cross-validation in so many parts [default: by rows held out]", "N", 2);
        var checkpoint = new Option<string?>("--checkpoint") { Description = "Where the search is kept, from which the same command goes on [default: <output>.search]", HelpName = "DIR" };
        var report = new Option<string?>("--report") { Description = "Show the search in this HTML file while it runs [default: no page]", HelpName = "FILE" };
        var seed = Arguments.Number<int>("--seed", "The seed of all random numbers [default: 1]", "N");
        var gpu = Arguments.Number<int>("--gpu", "The number of the GPU to compute on [default: the CPU]", "N", 0);
        var task = TrainCommand.TaskOption();
        var columns = new TableArguments();
        var search = new SearchArguments();
        var project = new ProjectArguments();
        verb.Add(data);
        foreach (var option in new Option[] { dataset, output })
            verb.Add(option);
        search.AddTo(verb);
        project.AddTo(verb);
        foreach (var option in new Option[] { report, validation, folds, checkpoint, seed, gpu, task })
            verb.Add(option);
        columns.AddTo(verb);
        verb.Validators.Add(result =>
        {
            if ((result.GetValue(data) is null) == (result.GetValue(dataset) is null))
                result.AddError("Give the rows once, as DATA or with --dataset.");
        });
        verb.Run(terminal, async (parsed, cancellation) =>
        {
            var mlContext = new MLContext(parsed.GetValue(seed) ?? 1) { GpuDeviceId = parsed.GetValue(gpu) };
            string path = parsed.GetValue(data) ?? parsed.GetValue(dataset)!;
            var target = SearchTarget.Of(parsed, parsed.GetValue(output), path, project);
            var rows = TrainingData.Read(mlContext, path, columns.Options(parsed), columns.Columns(parsed), TrainCommand.Asked(parsed, task), terminal, cancellation);
            string directory = parsed.GetValue(checkpoint) ?? target.Path + ".search";
            var experiment = mlContext.Peft().CreateExperiment().SetColumns(rows.Label, rows.Text, rows.SecondText).SetSeed(parsed.GetValue(seed) ?? 1).SetCheckpoint(directory);
            search.Configure(experiment, parsed, rows.Task);
            if (parsed.GetValue(folds) is { } parts)
                experiment.SetDataset(rows.Rows, parts);
            else
                experiment.SetDataset(rows.Rows, parsed.GetValue(validation) is { } file ? rows.Like(file, columns.Options(parsed), cancellation) : null);
            await new SearchRun(terminal, mlContext, experiment, directory, parsed.GetValue(report)).RunAsync(rows, target, cancellation);
        });
        return verb;
    }
}
