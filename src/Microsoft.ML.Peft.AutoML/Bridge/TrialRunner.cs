using Microsoft.ML.AutoML;

namespace Microsoft.ML.Peft.AutoML.Bridge;

/// <summary>Runs a trial of a session. It owns nothing, because an experiment disposes it after the trial.</summary>
internal sealed class TrialRunner(TrialSession session) : Microsoft.ML.AutoML.ITrialRunner
{
    public Task<TrialResult> RunAsync(TrialSettings settings, CancellationToken ct) => Task.Run(
        () =>
        {
            var (trial, configuration, rung) = TrialParameters.Read(session.Spaces, settings.Parameter);
            var (report, model) = session.Run(trial ?? settings.TrialId, configuration, rung ?? session.Tuner.Rungs.Count - 1, ct);
            double metric = report.Metrics[session.Metric.Name];
            return new TrialResult
            {
                TrialSettings = settings,
                Model = model,
                Metric = metric,
                Loss = -session.Metric.Score(metric),
                DurationInMilliseconds = report.Seconds * 1000,
            };
        },
        ct);

    public void Dispose() { }
}
