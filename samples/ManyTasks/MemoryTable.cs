using Spectre.Console;

namespace ManyTasks;

/// <summary>The process's memory, step by step.</summary>
internal sealed class MemoryTable
{
    private readonly Table _table = new Table().Border(TableBorder.Rounded).AddColumn("With").AddColumn(new TableColumn("Working set").RightAligned());

    public MemoryTable() => Add("nothing yet");

    public void Add(string what)
    {
        GC.Collect();
        _table.AddRow(Markup.Escape(what), $"{Environment.WorkingSet / 1e6:0} MB");
    }

    public void Write() => AnsiConsole.Write(_table);
}
