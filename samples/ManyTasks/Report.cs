using Microsoft.ML.Peft;
using Spectre.Console;

namespace ManyTasks;

/// <summary>What the program says.</summary>
internal static class Report
{
    public static void Predictions(PeftModel model, IReadOnlyList<string> tasks, (string Adapter, string Text)[] rows, IReadOnlyList<float[]> probabilities)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("Message").AddColumns([.. tasks]);
        for (int at = 0; at < rows.Length; at += tasks.Count)
        {
            var row = Enumerable.Range(at, tasks.Count).Select(i => Likeliest(model.Adapters[rows[i].Adapter].Labels!, probabilities[i]));
            table.AddRow([Markup.Escape(rows[at].Text), .. row]);
        }
        AnsiConsole.Write(table);
    }

    public static void Service(ServiceTest test, string adapter)
    {
        AnsiConsole.WriteLine($"'{adapter}' was removed, added again and used {test.Times} times.");
        AnsiConsole.WriteLine($"Meanwhile other threads predicted {test.Batches} batches with the other adapters; {test.Changed} of their rows got another class than before.");
    }

    private static string Likeliest(IReadOnlyList<string> labels, float[] probabilities) =>
        $"[bold]{Markup.Escape(labels[Array.IndexOf(probabilities, probabilities.Max())])}[/] {probabilities.Max():P0}";
}
