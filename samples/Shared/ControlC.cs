namespace Samples;

/// <summary>While it lives, Ctrl+C cancels, and a second one ends the program at once.</summary>
internal sealed class ControlC : IDisposable
{
    private readonly CancellationTokenSource _source = new();

    public ControlC() => Console.CancelKeyPress += Cancel;

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        Console.CancelKeyPress -= Cancel;
        _source.Dispose();
    }

    private void Cancel(object? sender, ConsoleCancelEventArgs key)
    {
        key.Cancel = !_source.IsCancellationRequested;
        _source.Cancel();
    }
}
