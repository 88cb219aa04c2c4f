using Microsoft.ML.Peft.AutoML.Trials;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>A trial under way, and how to stop it.</summary>
internal sealed class RunningTrial : IDisposable
{
    private static int _count;
    private readonly CancellationTokenSource _cancellation;

    public RunningTrial(TrialRecord record, CancellationToken stop)
    {
        Record = record;
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Token = _cancellation.Token;
    }

    public TrialRecord Record { get; }

    /// <summary>Later trials have higher numbers.</summary>
    public int Order { get; } = Interlocked.Increment(ref _count);

    public Task Task { get; set; } = Task.CompletedTask;

    public CancellationToken Token { get; }

    public ITimer? TimeLimit { get; set; }

    public double? PeakMegabytes { get; set; }

    /// <summary>Why this trial alone was stopped; null if it was not.</summary>
    public PeftTrialFailure? Reason { get; private set; }

    public void Stop(PeftFailureReason reason, string message)
    {
        Reason ??= new PeftTrialFailure(reason, message);
        _cancellation.Cancel();
    }

    public void Dispose()
    {
        TimeLimit?.Dispose();
        _cancellation.Dispose();
    }
}
