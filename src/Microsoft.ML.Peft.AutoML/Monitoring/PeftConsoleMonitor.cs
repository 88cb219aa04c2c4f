using Microsoft.ML.Peft.AutoML.Monitoring;
using Spectre.Console;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>
/// Shows a search on the console: in a terminal a live table of the trials (method, options, rung, epochs, metric, the best marked, the
/// baseline first) with the time used and left; elsewhere, such as in a file or a pipe, a plain line for every result.
/// </summary>
/// <remarks>
/// The time left follows from the budgets: exactly from <see cref="PeftExperiment.SetTrainingTimeInSeconds"/>, as an estimate from
/// <see cref="PeftExperiment.SetMaxModelToExplore"/>; it is unknown before the first epoch, or if neither is set. While the table lives nothing
/// else may draw live on the same console. A monitor can be used again for another search, but not by two at a time.
/// </remarks>
/// <example>
/// <code>
/// experiment.SetMonitor(new PeftConsoleMonitor());
/// </code>
/// </example>
public sealed class PeftConsoleMonitor : IPeftMonitor
{
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(250);

    private readonly IAnsiConsole _console;
    private readonly SearchProgress _progress;
    private readonly ProgressLines _lines;
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _ended = new();
    private Task? _display;

    /// <summary>Makes the monitor.</summary>
    /// <param name="console">Where to show it. Null: <see cref="AnsiConsole.Console"/>.</param>
    public PeftConsoleMonitor(IAnsiConsole? console = null) : this(console, TimeProvider.System)
    {
    }

    internal PeftConsoleMonitor(IAnsiConsole? console, TimeProvider time)
    {
        _console = console ?? AnsiConsole.Console;
        _progress = new SearchProgress(time);
        _lines = new ProgressLines(_progress);
    }

    private bool IsLive => _console.Profile.Out.IsTerminal && _console.Profile.Capabilities is { Ansi: true, Interactive: true };

    /// <inheritdoc/>
    public void Report(PeftEvent e)
    {
        ArgumentNullException.ThrowIfNull(e);
        lock (_gate)
            _progress.Add(e);
        if (!IsLive)
            _lines.Of(e).ToList().ForEach(line => _console.Profile.Out.Writer.WriteLine(line));
        else if (e is PeftExperimentStarted)
            Start();
        else if (e is PeftExperimentFinished)
            Finish();
        else if (_display is { IsFaulted: true })
            _display.GetAwaiter().GetResult();
    }

    private void Start()
    {
        _ended.Reset();
        // A thread of its own: the search's next event may come in minutes, but its clock goes on.
        _display = Task.Factory.StartNew(Display, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private void Finish()
    {
        _ended.Set();
        var display = _display;
        _display = null;
        display?.GetAwaiter().GetResult();
        _console.WriteLine(_lines.Ending());
    }

    private void Display()
    {
        var table = new ProgressTable(_progress, _console.Profile);
        _console.Live(Text.Empty).Start(live =>
        {
            bool last;
            do
            {
                last = _ended.Wait(Refresh);
                lock (_gate)
                    live.UpdateTarget(table.Render());
            }
            while (!last);
        });
    }
}
