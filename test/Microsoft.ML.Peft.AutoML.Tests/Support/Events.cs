namespace Microsoft.ML.Peft.AutoML.Tests.Support;

/// <summary>A monitor that keeps what it is told.</summary>
internal sealed class Events : IPeftMonitor
{
    public List<PeftEvent> All { get; } = [];

    /// <summary>Called for every event; may throw.</summary>
    public Action<PeftEvent> OnEvent { get; init; } = _ => { };

    public IEnumerable<T> Of<T>() where T : PeftEvent => All.OfType<T>();

    public void Report(PeftEvent e)
    {
        All.Add(e);
        OnEvent(e);
    }
}
