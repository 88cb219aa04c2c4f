using System.Globalization;
using Spectre.Console;

namespace Samples;

/// <summary>How all samples write.</summary>
internal static class Screen
{
    /// <summary>Numbers as in the samples' READMEs on every system, and lines wide enough for tables in files and pipes.</summary>
    public static void Prepare()
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        if (!AnsiConsole.Profile.Out.IsTerminal)
            AnsiConsole.Profile.Width = 120;
    }

    public static void Heading(string text)
    {
        AnsiConsole.WriteLine();
        AnsiConsole.Write(new Rule($"[bold]{Markup.Escape(text)}[/]").LeftJustified());
    }
}
