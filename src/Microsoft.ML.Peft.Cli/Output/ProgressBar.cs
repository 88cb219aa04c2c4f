using Spectre.Console;

namespace Microsoft.ML.Peft.Cli.Output;

/// <summary>A bar on the error stream while something runs, if that is a terminal; nothing of it remains.</summary>
internal sealed class ProgressBar
{
    private readonly ProgressTask? _task;

    private ProgressBar(ProgressTask? task) => _task = task;

    public bool IsShown => _task is not null;

    public static T Run<T>(Terminal terminal, string description, Func<ProgressBar, T> work)
    {
        if (!terminal.ShowsProgress)
            return work(new ProgressBar(null));
        return terminal.Notes.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn { Width = 20 }, new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context => work(new ProgressBar(context.AddTask(Markup.Escape(description)))));
    }

    /// <param name="part">How much is done, 0 to 1.</param>
    /// <param name="description">What is being done; null to leave it.</param>
    public void Set(double part, string? description = null)
    {
        if (_task is null)
            return;
        _task.Value = 100 * part;
        if (description is not null)
            _task.Description = Markup.Escape(description);
    }
}
