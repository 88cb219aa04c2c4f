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
            .Columns(new ProgressBarColumn { Width = 20 }, new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
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
            if (WithinEpoch().Match(log.RawMessage) is not { Success: true } report)
            {
                // The bar says how much time is left.
                AnsiConsole.WriteLine(bar is null ? log.RawMessage : log.RawMessage.Split(", ETA ")[0]);
            }
            else if (bar is not null)
            {
                bar.Value = 100.0 * int.Parse(report.Groups["step"].ValueSpan) / int.Parse(report.Groups["steps"].ValueSpan);
                bar.Description = $"Epoch {report.Groups["epoch"]}: {report.Groups["numbers"]}";
            }
        }
    }

    // Comes every few seconds: "Epoch 3 of 15, step 52 of 300: loss 0.3074, 280 examples/s, 00:00:21 left".
    [GeneratedRegex(@"^Epoch (?<epoch>\d+) of \d+, step (?<step>\d+) of (?<steps>\d+): (?<numbers>.*)")]
    private static partial Regex WithinEpoch();
}
