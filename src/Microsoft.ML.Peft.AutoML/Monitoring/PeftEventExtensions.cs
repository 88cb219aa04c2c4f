namespace Microsoft.ML.Peft.AutoML.Monitoring;

internal static class PeftEventExtensions
{
    /// <summary>The trial that an event is about; null if it is about the search.</summary>
    public static PeftTrialResult? Trial(this PeftEvent e) => e switch
    {
        PeftTrialStarted started => started.Trial,
        PeftEpochCompleted epoch => epoch.Trial,
        PeftRungReported reported => reported.Trial,
        PeftTrialCompleted completed => completed.Trial,
        PeftTrialFailed failed => failed.Trial,
        PeftBestTrialFound best => best.Trial,
        PeftRefitStarted refit => refit.Trial,
        PeftRefitCompleted refitted => refitted.Trial,
        _ => null,
    };
}
