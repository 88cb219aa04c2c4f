using System.Diagnostics.Metrics;

namespace Microsoft.ML.Peft.WebApi.Tests.Support;

/// <summary>What an instrument of one server has recorded.</summary>
internal sealed class Readings<T> : IDisposable where T : struct
{
    private readonly MeterListener _listener = new();
    private readonly List<T> _values = [];

    public Readings(IMeterFactory meters, string name)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == name && ReferenceEquals(instrument.Meter.Scope, meters))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<T>((_, value, _, _) =>
        {
            lock (_values)
                _values.Add(value);
        });
        _listener.Start();
    }

    public IReadOnlyList<T> Values
    {
        get
        {
            lock (_values)
                return [.. _values];
        }
    }

    /// <summary>Waits for what is recorded to be as asked.</summary>
    public async Task UntilAsync(Func<IReadOnlyList<T>, bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition(Values))
            await Task.Delay(5, patience.Token);
    }

    public void Dispose() => _listener.Dispose();
}
