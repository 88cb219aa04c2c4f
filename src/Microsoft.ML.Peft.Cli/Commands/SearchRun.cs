using Microsoft.ML.Peft.AutoML;
using Microsoft.ML.Peft.Cli.Output;
using Microsoft.ML.Peft.Cli.Projects;
using Spectre.Console;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>One search from rows to the best model; interrupted, it can be gone on with.</summary>
/// <param name="terminal">Where it is shown.</param>
/// <param name="mlContext">The context.</param>
/// <param name="experiment">The search, but for who watches it.</param>
/// <param name="directory">Where it is kept.</param>
/// <param name="report">Where a page shows it while it runs; null for none.</param>
internal sealed class SearchRun(Terminal terminal, MLContext mlContext, PeftExperiment experiment, string directory, string? report)
{
    private const int TrialsShown = 10;

    public async Task RunAsync(TrainingData rows, SearchTarget target, CancellationToken cancellation)
    {
        IPeftMonitor[] onConsole = terminal.Quiet ? [] : [new PeftConsoleMonitor(terminal.Notes)], asPage = report is null ? [] : [new PeftReportMonitor(report)];
        experiment.SetMonitor([.. onConsole, .. asPage]);
        PeftTrialResult best;
        try
        {
            best = await experiment.RunAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw new InterruptedException($"Interrupted. {experiment.Result?.Summary} The search is kept in '{directory}': run the same command again to go on.");
        }
        var model = best.LoadModel(mlContext);
        using var soft = (SoftPromptTransformer)model;
        var project = target.Save(stream => mlContext.Model.Save(TrainingRun.Chain(mlContext, soft, rows.Rows), rows.Rows.Schema, stream), experiment.Result!, rows, cancellation);
        Report(experiment.Result!, best, target.Path, project);
    }

    private void Report(PeftExperimentResult result, PeftTrialResult best, string output, ModelProject? project)
    {
        if (terminal.Json)
        {
            terminal.WriteJson(new
            {
                Output = Path.GetFullPath(output),
                Directory = Path.GetFullPath(directory),
                Files = project?.Files,
                result.MetricName,
                result.LowerIsBetter,
                Best = Described(best),
                result.Summary,
                result.BeatsBaseline,
                Seconds = result.Duration.TotalSeconds,
                Trials = result.Trials.Select(Described),
            });
            return;
        }
        var table = new Table().Border(TableBorder.Rounded).AddColumn(new TableColumn("Trial").RightAligned()).AddColumn("Method")
            .AddColumn(new TableColumn(Markup.Escape(result.MetricName)).RightAligned()).AddColumn(new TableColumn("Epochs").RightAligned()).AddColumn("Options");
        var judged = result.Trials.Where(trial => !double.IsNaN(trial.Metric));
        foreach (var trial in (result.LowerIsBetter ? judged.OrderBy(trial => trial.Metric) : judged.OrderByDescending(trial => trial.Metric)).Take(TrialsShown))
            table.AddRow($"{trial.TrialId}", Markup.Escape(trial.Method), $"{trial.Metric:0.0000}", trial.IsBaseline ? "" : $"{trial.Epochs}", Markup.Escape(Options(trial)));
        terminal.Results.Write(table);
        terminal.Results.MarkupLine($"[bold]{Markup.Escape(result.Summary)}[/]");
        terminal.Out.WriteLine(project is null
            ? $"Saved '{output}' ({Figures.Bytes(new FileInfo(output).Length)}); the search is in '{directory}'. Try it: peftml predict {output}"
            : $"{ProjectArguments.Made(project, output)}; the search is in '{directory}'. Try it: dotnet run --project {output}");
    }

    private static object Described(PeftTrialResult trial) => new
    {
        trial.TrialId,
        trial.Method,
        trial.IsBaseline,
        trial.Status,
        trial.Metric,
        trial.Metrics,
        trial.Epochs,
        Seconds = trial.Duration.TotalSeconds,
        trial.AdapterBytes,
        trial.MillisecondsPerText,
        Parameters = trial.Parameters.ToDictionary(option => option.Key, option => option.Value is Enum value ? value.ToString() : option.Value),
        trial.AdapterPath,
        Failure = trial.Failure?.Message,
    };

    private static string Options(PeftTrialResult trial) => string.Join(", ", trial.Parameters.Where(option => option.Value is not null).Select(option => $"{option.Key} {(option.Value is double number ? $"{number:0.####}" : option.Value)}"));
}
