using System.Text.RegularExpressions;
using Microsoft.ML.Runtime;
using Spectre.Console;

namespace Microsoft.ML.Peft.Cli.Output;

/// <summary>Shows a running training: a line per epoch, and in a terminal a progress bar below them that vanishes at the end.</summary>
internal static partial class TrainingDisplay
{
    /// <param name="terminal">Where.</param>
    /// <param name="mlContext">Whose log holds the lines.</param>
    /// <param name="train">Trains, and reports every step.</param>
    public static T Run<T>(Terminal terminal, MLContext mlContext, Func<IProgress<TrainingProgress>, T> train) =>
        ProgressBar.Run(terminal, "Preparing", bar => Listen(terminal, mlContext, bar, train));

    private static T Listen<T>(Terminal terminal, MLContext mlContext, ProgressBar bar, Func<IProgress<TrainingProgress>, T> train)
    {
        mlContext.Log += Show;
        try
        {
            return train(new StepReport(bar));
        }
        finally
        {
            mlContext.Log -= Show;
        }

        void Show(object? sender, LoggingEventArgs log)
        {
            bool isOurs = log.Source.Contains("TuningEstimator", StringComparison.Ordinal) && log.Kind >= ChannelMessageKind.Info;
            // What comes every few seconds within an epoch, the bar shows better.
            if (isOurs && !WithinEpoch().IsMatch(log.RawMessage))
                terminal.Note(bar.IsShown ? log.RawMessage.Split(", ETA ")[0] : log.RawMessage);
        }
    }

    [GeneratedRegex(@"^Epoch \d+/\d+, step ")]
    private static partial Regex WithinEpoch();

    private sealed class StepReport(ProgressBar bar) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => bar.Set(
            (double)value.Step / value.Steps,
            $"Epoch {value.Epoch} of {value.Epochs}, loss {value.Loss:0.0000}, {value.ExamplesPerSecond:0} rows/s, {Figures.Time(value.Remaining)} left");
    }
}
