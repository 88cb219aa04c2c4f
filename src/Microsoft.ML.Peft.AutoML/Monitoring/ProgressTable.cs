using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Microsoft.ML.Peft.AutoML.Monitoring;

/// <summary>A search as a table that fits the terminal: baselines first, then the best, the running and the latest trials.</summary>
internal sealed class ProgressTable(SearchProgress progress, Profile profile)
{
    private const int LinesAround = 9;
    private const int LeastRows = 5;
    private const int WidthOfOthers = 82;
    private const int LeastOptions = 20;

    private static readonly Style Good = new(Color.Green, decoration: Decoration.Bold);
    private static readonly Style Bad = new(Color.Red);
    private static readonly Style Bar = new(Color.Yellow);
    private static readonly Style Faint = new(Color.Grey);

    public IRenderable Render()
    {
        if (progress.Search is not { } search)
            return Text.Empty;
        var result = progress.Result;
        var shown = Shown(result);
        var table = new Table().Border(profile.Capabilities.Unicode ? TableBorder.Rounded : TableBorder.Ascii).Expand()
            .Title(new TableTitle(Markup.Escape($"{search.MetricName}, {(search.LowerIsBetter ? "lower" : "higher")} is better: {search.Tuner}")))
            .AddColumns(Number("Trial"), new TableColumn("Method").NoWrap(), new TableColumn("Options"), Number("Rung"), Number("Epochs"), Number("Metric"), Number("Time"), new TableColumn("Status").NoWrap());
        foreach (var trial in shown)
            table.AddRow(Row(trial, result.Best?.TrialId == trial.TrialId));
        if (shown.Count < result.Trials.Count)
            table.Caption(string.Create(CultureInfo.InvariantCulture, $"{shown.Count} of {result.Trials.Count} trials are shown"));
        return new Rows(table, new Text(Best(result)), new Text(Budget(search)));
    }

    private List<PeftTrialResult> Shown(PeftExperimentResult result)
    {
        int rows = Math.Max(LeastRows, profile.Height - LinesAround);
        return [.. result.Trials
            .OrderByDescending(trial => trial.IsBaseline)
            .ThenByDescending(trial => trial.TrialId == result.Best?.TrialId)
            .ThenByDescending(trial => trial.Status == PeftTrialStatus.Running)
            .ThenByDescending(trial => trial.TrialId)
            .Take(rows)
            .OrderBy(trial => trial.TrialId)];
    }

    private IEnumerable<IRenderable> Row(PeftTrialResult trial, bool isBest)
    {
        var style = isBest ? Good : trial.IsBaseline ? Bar : trial.Status == PeftTrialStatus.Failed ? Bad : trial.Status == PeftTrialStatus.Running ? Style.Plain : Faint;
        string star = profile.Capabilities.Unicode ? "★ " : "* ";
        string epochs = trial.IsBaseline ? "" : trial.Status == PeftTrialStatus.Running ? $"{trial.Epochs}/{progress.Goal(trial.TrialId)}" : $"{trial.Epochs}";
        string[] cells =
        [
            (isBest ? star : "") + trial.TrialId.ToString(CultureInfo.InvariantCulture),
            trial.Method,
            Cut(trial.Failure is { } failure ? Words.OneLine(failure.Message) : Words.Options(trial)),
            trial.IsBaseline || trial.Rung < 0 ? "" : trial.Rung.ToString(CultureInfo.InvariantCulture),
            epochs,
            Words.Metric(trial.Metric),
            Words.Time(trial.Duration),
            trial.IsBaseline && trial.Status == PeftTrialStatus.Completed ? "baseline" : trial.Failure?.Reason.ToString() ?? trial.Status.ToString().ToLowerInvariant(),
        ];
        return cells.Select(cell => new Text(cell, style));
    }

    /// <summary>A trial has one line, or the table would jump.</summary>
    private string Cut(string text)
    {
        int width = Math.Max(LeastOptions, profile.Width - WidthOfOthers);
        return text.Length <= width ? text : $"{text[..(width - 1)]}{(profile.Capabilities.Unicode ? "…" : ".")}";
    }

    private static string Best(PeftExperimentResult result)
    {
        string best = result.Best is { } trial ? $"Best: trial {trial.TrialId}, {trial.Method}, {Words.Metric(trial.Metric)}" : "Best: none yet";
        return result.ImprovementOverBaseline is { } better
            ? string.Create(CultureInfo.InvariantCulture, $"{best}, {Math.Abs(better):0.0000} {(better > 0 ? "better" : "worse")} than the baseline's {result.Baseline!.Metric:0.0000}")
            : best;
    }

    private string Budget(PeftSearchDescription search)
    {
        string trials = search.MaxTrials is { } most ? $"{progress.TrialsDone} of {most} trials" : $"{progress.TrialsDone} trials";
        string failed = progress.TrialsFailed > 0 ? $", {progress.TrialsFailed} failed" : "";
        string left = progress.End is not null ? "ended" : progress.TimeLeft is { } time ? $"about {Words.Time(time)} left" : "time left unknown";
        return $"{trials}{failed}; {Words.Time(progress.Elapsed)} used, {left}";
    }

    private static TableColumn Number(string title) => new TableColumn(title).RightAligned().NoWrap();
}
