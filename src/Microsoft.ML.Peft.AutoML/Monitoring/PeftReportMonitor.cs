using Microsoft.ML.Peft.AutoML.Monitoring;
using Microsoft.ML.Peft.AutoML.Reports;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>
/// Writes a search as an HTML page while it runs: metric against time, learning curves, parallel coordinates, the importance of options, the
/// Pareto fronts and all trials. The page is one file that needs no network; it reloads itself as long as the search runs.
/// </summary>
/// <remarks>
/// The file is replaced as a whole, at most every few seconds and at the end, also of a search that was cancelled or failed. A file that cannot
/// be written ends the search with an <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>, the first time at its very
/// beginning. A monitor can be used again for another search, but not by two at a time.
/// </remarks>
/// <example>
/// <code>
/// experiment.SetMonitor(new PeftConsoleMonitor(), new PeftReportMonitor("search.html"));
/// </code>
/// </example>
public sealed class PeftReportMonitor : IPeftMonitor
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly SearchProgress _progress;
    private readonly Lock _gate = new();
    private ITimer? _next;
    private Exception? _error;

    /// <summary>Makes the monitor.</summary>
    /// <param name="path">The file, such as `search.html`; its directory must exist.</param>
    public PeftReportMonitor(string path) : this(path, TimeProvider.System)
    {
    }

    internal PeftReportMonitor(string path, TimeProvider time)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        (_path, _time) = (Path.GetFullPath(path), time);
        _progress = new SearchProgress(time);
    }

    /// <inheritdoc/>
    public void Report(PeftEvent e)
    {
        ArgumentNullException.ThrowIfNull(e);
        lock (_gate)
        {
            if (e is PeftExperimentStarted)
                _error = null;
            if (_error is { } error)
                throw error;
            _progress.Add(e);
            if (e is PeftExperimentStarted or PeftExperimentFinished)
                Write();
            else
                _next ??= _time.CreateTimer(_ => WriteLater(), null, Interval, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>On the timer's thread, where nobody could catch: the next event's reporter is told.</summary>
    private void WriteLater()
    {
        lock (_gate)
        {
            if (_next is null)
                return;     // the end was faster
            try
            {
                Write();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _error = e;
            }
        }
    }

    private void Write()
    {
        _next?.Dispose();
        _next = null;
        var (state, error) = _progress.End switch
        {
            null => (ReportState.Running, null),
            { Error: null } => (ReportState.Finished, null),
            { Error: OperationCanceledException } => (ReportState.Cancelled, null),
            { Error: var failure } => (ReportState.Failed, failure.Message),
        };
        ReportPage.Write(_path, ReportData.Of(_progress.Result, state, error, _time.GetUtcNow()));
    }
}
