using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Spectre.Console;

namespace QuickStart;

/// <summary>Shows a running training: one line per epoch, and a progress bar below them in a terminal.</summary>
internal static partial class TrainingDisplay
{
    /// <summary>Trains while showing what the estimator reports through <see cref="MLContext.Log"/>; Ctrl+C cancels.</summary>
    public static T Run<T>(MLContext mlContext, CancellationTokenSource cancellation, Func<T> train)
    {
        if (!AnsiConsole.Profile.Out.IsTerminal)
            return Listen(mlContext, cancellation, train, bar: null);
        return AnsiConsole.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context => Listen(mlContext, cancellation, train, context.AddTask("Preparing")));
    }

    private static T Listen<T>(MLContext mlContext, CancellationTokenSource cancellation, Func<T> train, ProgressTask? bar)
    {
        mlContext.Log += Show;
        Console.CancelKeyPress += Cancel;
        try
        {
            return train();
        }
        finally
        {
            Console.CancelKeyPress -= Cancel;
            mlContext.Log -= Show;
        }

        // A second Ctrl+C ends the program at once.
        void Cancel(object? sender, ConsoleCancelEventArgs key)
        {
            key.Cancel = !cancellation.IsCancellationRequested;
            cancellation.Cancel();
        }

        void Show(object? sender, LoggingEventArgs log)
        {
            if (!log.Source.Contains("TuningEstimator", StringComparison.Ordinal) || log.Kind < ChannelMessageKind.Info)
                return;
            var position = Position().Match(log.RawMessage);
            if (bar is not null && position.Success)
            {
                bar.Value = 100 * Number(position, "done") / Number(position, "all");
                bar.Description = Markup.Escape(position.Groups["report"].Value);
            }
            // Reports from within an epoch only move the bar.
            if (!position.Groups["step"].Success)
                AnsiConsole.WriteLine(bar is null ? log.RawMessage : WithoutTimeLeft(log.RawMessage));
        }
    }

    // The bar says it.
    private static string WithoutTimeLeft(string message) => message.Split(", ETA ")[0];

    private static double Number(Match match, string group) => double.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    // "Epoch 3/15: loss ..." at the end of an epoch, "Epoch 3 of 15, step 52 of 300: loss ..." every few seconds.
    [GeneratedRegex(@"^(Epoch (?<done>\d+)/(?<all>\d+)|(?<step>Epoch \d+ of \d+, step (?<done>\d+) of (?<all>\d+))): (?<report>.*)")]
    private static partial Regex Position();
}
