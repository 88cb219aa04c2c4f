using Microsoft.ML.Peft;
using Spectre.Console;

namespace TextGeneration;

/// <summary>What the program says.</summary>
internal static class Report
{
    /// <summary>Facts, and what was written for them.</summary>
    public static void Texts(IEnumerable<WrittenTrail> trails)
    {
        foreach (var trail in trails)
        {
            AnsiConsole.MarkupLine($"[italic]{Markup.Escape(trail.Text)}[/]");
            AnsiConsole.MarkupLine($"  → {Markup.Escape(OneLine(trail.GeneratedText))}");
        }
    }

    public static void Comparison(IEnumerable<WrittenTrail> before, IEnumerable<WrittenTrail> after)
    {
        var table = new Table().Border(TableBorder.Rounded).ShowRowSeparators().AddColumns("Facts", "Before", "After");
        foreach (var (first, second) in before.Zip(after))
            table.AddRow(Markup.Escape(first.Text.Replace(" | ", "\n")), Markup.Escape(OneLine(first.GeneratedText)), Markup.Escape(OneLine(second.GeneratedText)));
        AnsiConsole.Write(table);
    }

    public static void Evaluation(GenerationMetrics before, GenerationMetrics after)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn($"{after.Rows} test rows").AddColumn(new TableColumn("Before").RightAligned()).AddColumn(new TableColumn("After").RightAligned());
        table.AddRow("ROUGE-L", $"{100 * before.RougeL:0.0}", $"[bold]{100 * after.RougeL:0.0}[/]");
        table.AddRow("BLEU-4", $"{100 * before.Bleu4:0.0}", $"[bold]{100 * after.Bleu4:0.0}[/]");
        AnsiConsole.Write(table);
    }

    public static void File(FileInfo file)
    {
        file.Refresh();
        AnsiConsole.WriteLine($"{file.FullName}: {file.Length / 1024.0:0} KB.");
    }

    /// <summary>A text's pieces, each as soon as it is there.</summary>
    public static async Task StreamAsync(string text, IAsyncEnumerable<string> pieces)
    {
        AnsiConsole.MarkupLine($"[italic]{Markup.Escape(text)}[/]");
        AnsiConsole.Markup("  → ");
        await foreach (string piece in pieces)
            Console.Write(piece);
        Console.WriteLine();
    }

    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
