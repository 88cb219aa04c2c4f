using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.Peft.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Peft.Estimators;

/// <summary>
/// Reports a running training on an ML.NET progress channel and, because those print nothing through MLContext.Log, as
/// messages on the component's channel.
/// </summary>
internal sealed class TrainingReport : IDisposable
{
    private static readonly TimeSpan MessageInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly IChannel _channel;
    private readonly IProgressChannel _progress;
    private readonly Stopwatch _sinceMessage = Stopwatch.StartNew();
    private TrainingProgress? _last;

    public TrainingReport(IHost host, IChannel channel)
    {
        _channel = channel;
        _progress = host.StartProgressChannel("Soft prompt");
        _progress.SetHeader(new ProgressHeader(["loss", "validation metric", "examples/s"], ["epochs", "steps"]), Fill);
    }

    public void Log(string line) => _channel.Info(MessageSensitivity.None, line);

    public void Progress(TrainingProgress progress)
    {
        var last = _last;
        lock (_lock)
            _last = progress;
        if (last is { } previous && previous.Epoch != progress.Epoch)
            Checkpoint(previous, progress.Metric);
        if (_sinceMessage.Elapsed < MessageInterval)
            return;
        _sinceMessage.Restart();
        Log(string.Create(CultureInfo.InvariantCulture,
            $"Epoch {progress.Epoch}/{progress.Epochs}, step {progress.Step}/{progress.Steps}: loss {progress.Loss:F4}, " +
            $"{progress.ExamplesPerSecond:F0} examples/s, ETA {Math.Floor(progress.Remaining.TotalMinutes):00}:{progress.Remaining.Seconds:00}"));
    }

    public void Dispose()
    {
        if (_last is { } last)
            Checkpoint(last, last.Metric);
        _progress.Dispose();
    }

    private void Checkpoint(TrainingProgress progress, double? metric)
        => _progress.Checkpoint(progress.Loss, metric, progress.ExamplesPerSecond, progress.Epoch, progress.Step);

    // Called from ML.NET's own progress thread.
    private void Fill(IProgressEntry entry)
    {
        TrainingProgress progress;
        lock (_lock)
        {
            if (_last is not { } last)
                return;
            progress = last;
        }
        entry.SetProgress(0, progress.Epoch, progress.Epochs);
        entry.SetProgress(1, progress.Step, progress.Steps);
        entry.SetMetric(0, progress.Loss);
        if (progress.Metric is { } metric)
            entry.SetMetric(1, metric);
        entry.SetMetric(2, progress.ExamplesPerSecond);
    }
}
