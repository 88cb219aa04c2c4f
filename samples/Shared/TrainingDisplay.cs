using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Spectre.Console;

namespace Samples;

/// <summary>Shows a running training: one line per epoch, and a progress bar below them in a terminal.</summary>
internal static partial class TrainingDisplay
{
    /// <summary>Trains while showing what the estimator reports through <see cref="MLContext.Log"/>.</summary>
    public static T Run<T>(MLContext mlContext, Func<T> train)
    {
        if (!AnsiConsole.Profile.Out.IsTerminal)
            return Listen(mlContext, train, bar: null);
        return AnsiConsole.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn { Width = 20 }, new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context => Listen(mlContext, train, context.AddTask("Preparing")));
    }

    private static T Listen<T>(MLContext mlContext, Func<T> train, ProgressTask? bar)
    {
        mlContext.Log += Show;
        try
        {
            return train();
        }
        finally
        {
            mlContext.Log -= Show;
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

    // Comes every few seconds: "Epoch 3/15, step 52/300: loss 0.7074, 280 examples/s, ETA 00:21".
    [GeneratedRegex(@"^Epoch (?<epoch>\d+)\D+\d+, step (?<step>\d+)\D+(?<steps>\d+): (?<numbers>.*)")]
    private static partial Regex WithinEpoch();
}
