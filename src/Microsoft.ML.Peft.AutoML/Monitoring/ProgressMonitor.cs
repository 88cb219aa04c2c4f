namespace Microsoft.ML.Peft.AutoML.Monitoring;

/// <summary>Tells a progress handler of every trial that ends or waits.</summary>
internal sealed class ProgressMonitor(IProgress<PeftTrialResult> handler) : IPeftMonitor
{
    public void Report(PeftEvent e)
    {
        if (e is PeftRungReported { Trial: var waiting })
            handler.Report(waiting);
        else if (e is PeftTrialCompleted { Trial: { IsBaseline: true } baseline })
            handler.Report(baseline);
        else if (e is PeftTrialFailed { Trial: var failed })
            handler.Report(failed);
    }
}
