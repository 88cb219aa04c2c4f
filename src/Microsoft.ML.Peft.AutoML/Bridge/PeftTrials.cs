namespace Microsoft.ML.Peft.AutoML;

/// <summary>
/// The trials of a <see cref="PeftExperiment"/> for an experiment of Microsoft.ML.AutoML: the data that they share, and the frozen models that stay
/// loaded until this is disposed. Made by <see cref="PeftBridge.ToTrials"/>.
/// </summary>
public sealed class PeftTrials : IDisposable
{
    internal PeftTrials(TrialSession session) => Session = session;

    internal TrialSession Session { get; }

    /// <summary>Lets the frozen models go. Models that trials gave stay usable.</summary>
    public void Dispose() => Session.Dispose();
}
