using AutoMLSweep;
using Microsoft.ML;
using Microsoft.ML.Peft;
using Microsoft.ML.Peft.AutoML;
using QuickStart;
using Samples;
using Spectre.Console;

Screen.Prepare();
return Arguments.Invoke(args, arguments => ExitCode.Of(() => RunAsync(arguments).GetAwaiter().GetResult()));

static async Task RunAsync(Arguments arguments)
{
    using var controlC = new ControlC();
    var mlContext = new MLContext(arguments.Seed);

    // The data: texts, and labels as keys. The search holds a fifth of the training rows out to compare its trials by.
    var train = TicketFile.Load(mlContext, arguments.TrainFile, nameof(Ticket.Text), nameof(Ticket.Label));
    var test = TicketFile.Load(mlContext, arguments.TestFile, nameof(Ticket.Text), nameof(Ticket.Label));
    var toKey = mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(train);

    // The search: all methods with their usual ranges. Most trials end after few epochs; the best go on.
    var experiment = mlContext.Peft().CreateExperiment()
        .SetDataset(toKey.Transform(train))
        .SetMulticlassClassificationMetric(PeftMulticlassMetric.MicroAccuracy)
        .SetAshaTuner(reductionFactor: 3).SetMaxEpochs(arguments.Epochs)
        .SetMaxModelToExplore(arguments.Trials).SetTrainingTimeInSeconds((uint)arguments.Seconds)
        .SetSeed(arguments.Seed)
        .SetMonitor(new PeftConsoleMonitor(), new PeftReportMonitor(arguments.Report.FullName));
    if (arguments.Model is { } frozen)
        experiment.SetModels(frozen);
    if (arguments.Directory is { } directory)
        experiment.SetCheckpoint(directory.FullName);
    Screen.Heading("Search");
    PeftTrialResult best = await experiment.RunAsync(controlC.Token);

    // The winner on rows that neither a training nor the search has seen. Rows are scored when they are read; the cache keeps that to once.
    var softPrompt = best.LoadModel(mlContext);
    var scored = mlContext.Data.Cache(softPrompt.Transform(toKey.Transform(test)));
    Screen.Heading("Result");
    Compare(experiment.Result!, mlContext.MulticlassClassification.Evaluate(scored).MicroAccuracy, arguments.Report);

    // One file with the whole pipeline, whose predictions are texts again. It names the frozen model instead of holding it.
    using var model = softPrompt.Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(scored));
    mlContext.Model.Save(model, train.Schema, arguments.Output.FullName);
    Screen.Heading("Saved and loaded again");
    AnsiConsole.WriteLine($"{arguments.Output.FullName}: {new FileInfo(arguments.Output.FullName).Length / 1024.0:0} KB.");
    using var engine = mlContext.Model.CreatePredictionEngine<Ticket, Prediction>(mlContext.Model.Load(arguments.Output.FullName, out _));
    var prediction = engine.Predict(new Ticket { Text = arguments.Text });
    AnsiConsole.MarkupLineInterpolated($"> {arguments.Text}\n  → [bold]{prediction.PredictedLabel} {prediction.Score.Max():P0}[/]");

    // To train the same without a search.
    Screen.Heading("The winner's options");
    Console.WriteLine(best.ToCSharp());
}

static void Compare(PeftExperimentResult result, double testAccuracy, FileInfo report)
{
    var table = new Table().Border(TableBorder.Rounded).AddColumn("").AddColumn(new TableColumn("Validation rows").RightAligned()).AddColumn(new TableColumn("Test rows").RightAligned());
    if (result.Baseline is { } baseline)
        table.AddRow(Markup.Escape(baseline.Method), $"{baseline.Metric:P1}", "");
    table.AddRow(Markup.Escape($"{result.Best!.Method} (trial {result.Best.TrialId})"), $"{result.Best.Metric:P1}", $"{testAccuracy:P1}");
    AnsiConsole.Write(table);
    AnsiConsole.WriteLine(result.Summary);
    AnsiConsole.WriteLine($"{result.Trials.Count(trial => !trial.IsBaseline)} trials in {result.Duration.TotalSeconds:0} seconds. Report: {report.FullName}");
}
