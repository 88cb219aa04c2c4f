using System.Globalization;

namespace Microsoft.ML.Peft.AutoML.Monitoring;

/// <summary>A search in plain lines, for where nothing can be drawn.</summary>
internal sealed class ProgressLines(SearchProgress progress)
{
    private bool _isReplaying;

    /// <summary>The lines that an event adds: none for most.</summary>
    public IEnumerable<string> Of(PeftEvent e)
    {
        if (e is PeftExperimentStarted { Search: var search })
        {
            yield return Beginning(search);
        }
        else if (!e.IsReplay && _isReplaying)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"The search goes on after {progress.TrialsDone} trials and {Words.Time(e.Elapsed)}. {progress.Result.Summary}");
        }
        _isReplaying = e.IsReplay;
        if (e.IsReplay)
            yield break;
        if (e is PeftExperimentFinished)
            yield return Ending();
        else if (Line(e) is { } line)
            yield return $"[{Words.Time(e.Elapsed)}] {line}";
    }

    public string Ending()
    {
        string time = Words.Time(progress.Elapsed);
        string how = progress.End!.Error switch
        {
            null => $"The search has ended after {time}.",
            OperationCanceledException => $"The search was cancelled after {time}; another run goes on with it.",
            var error => $"The search has failed after {time}: {Words.OneLine(error.Message)}",
        };
        return $"{how} {progress.End.Result.Summary}";
    }

    private static string Beginning(PeftSearchDescription search)
    {
        string budget = (search.MaxTrials, search.MaxTime) switch
        {
            ({ } trials, { } time) => $"at most {trials} trials and {Words.Time(time)}",
            ({ } trials, null) => $"at most {trials} trials",
            (null, { } time) => $"at most {Words.Time(time)}",
            _ => "until nothing is left to try",
        };
        string methods = string.Join(", ", search.Methods.Select(method => method.Method));
        return $"Searching for the {(search.LowerIsBetter ? "lowest" : "highest")} {search.MetricName} among {methods}: {search.Tuner}, {budget}.";
    }

    private string? Line(PeftEvent e) => e switch
    {
        PeftRungReported { Trial: var trial } => $"{Result(trial)} ({Words.Options(trial)}). {Left()}.",
        PeftTrialCompleted { Trial: { IsBaseline: true } baseline } => $"Baseline {Words.Options(baseline)}, {baseline.Method}: {Words.Metric(baseline.Metric)}.",
        PeftTrialFailed { Trial: { Failure: { } failure } trial } => $"Trial {trial.TrialId}, {trial.Method}, failed: {failure.Reason}, {Words.OneLine(failure.Message)} ({Words.Options(trial)})",
        PeftRefitStarted { Trial: var trial } => $"Trial {trial.TrialId}, {trial.Method}, is trained anew on training and validation rows.",
        _ => null,
    };

    private string Result(PeftTrialResult trial)
    {
        string best = progress.Result.Best?.TrialId == trial.TrialId ? ", the best so far" : "";
        return string.Create(CultureInfo.InvariantCulture, $"Trial {trial.TrialId}, {trial.Method}, rung {trial.Rung}, {trial.Epochs} epochs: {Words.Metric(trial.Metric)}{best}");
    }

    private string Left()
    {
        string trials = progress.Search!.MaxTrials is { } most ? $"{progress.TrialsDone} of {most} trials" : $"{progress.TrialsDone} trials";
        return $"{trials}, time left {(progress.TimeLeft is { } left ? $"about {Words.Time(left)}" : "unknown")}";
    }
}
