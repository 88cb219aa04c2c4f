using Microsoft.ML.Data;
using Microsoft.ML.Peft.Cli.Output;
using Spectre.Console;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>One training from rows to a saved model; interrupted, it can be gone on with.</summary>
internal sealed class TrainingRun(Terminal terminal, MLContext mlContext, CancellationToken cancellation)
{
    public MLContext MLContext => mlContext;

    /// <param name="data">The rows.</param>
    /// <param name="options">The method's options, with a checkpoint directory.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="output">Where the model is saved.</param>
    /// <param name="restart">Whether an interrupted training is forgotten.</param>
    public void Train(TrainingData data, SoftPromptOptions options, string method, string output, bool restart)
    {
        var checkpoint = new CheckpointDirectory(options.CheckpointDirectory!);
        if (restart)
            checkpoint.Forget();
        options.CancellationToken = cancellation;
        checkpoint.Prepare();
        using var model = Fit(data, options, checkpoint);
        OutputFile.Write(output, stream => mlContext.Model.Save(Chain(mlContext, model, data.Rows), data.Rows.Schema, stream));
        Report(model, data, method, output);
    }

    /// <summary>A pipeline that predicts class names without needing labels.</summary>
    public static ITransformer Chain(MLContext mlContext, SoftPromptTransformer model, IDataView rows)
    {
        if (model.Task != PredictionTask.Multiclass || model.Model.Labels is null)
            return model;
        var toNames = mlContext.Transforms.Conversion.MapKeyToValue(model.PredictedLabelColumnName).Fit(model.Transform(rows));
        return new TransformerChain<ITransformer>(model, toNames);
    }

    private SoftPromptTransformer Fit(TrainingData data, SoftPromptOptions options, CheckpointDirectory checkpoint)
    {
        try
        {
            return TrainingDisplay.Run(terminal, mlContext, progress =>
            {
                options.Progress = progress;
                return TrainingArguments.Estimator(mlContext.Transforms, options).Fit(data.Rows);
            });
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw new InterruptedException(checkpoint.Exists
                ? $"Interrupted. The finished epochs are saved in '{checkpoint.Path}': run the same command again to go on from there, or with --restart to begin anew."
                : "Interrupted before the first epoch had ended, so there is nothing to go on from.");
        }
        catch (ArgumentException e) when (checkpoint.Exists && e.Message.Contains(checkpoint.Path, StringComparison.Ordinal))
        {
            throw new ArgumentException($"{e.Message} Or begin anew with --restart.", e);
        }
        finally
        {
            checkpoint.RemoveIfEmpty();
        }
    }

    private void Report(SoftPromptTransformer model, TrainingData data, string method, string output)
    {
        var history = model.TrainingHistory;
        long bytes = new FileInfo(output).Length;
        if (terminal.Json)
        {
            terminal.WriteJson(new
            {
                Output = Path.GetFullPath(output),
                Bytes = bytes,
                data.Task,
                Method = method,
                Rows = data.Labels.Rows,
                TextColumn = data.Text,
                SecondTextColumn = data.SecondText,
                LabelColumn = data.Label,
                Classes = model.Model.Labels,
                history.BestEpoch,
                history.MetricName,
                history.ValidationMetric,
                history.ProbeValidationMetric,
                history.BaseValidationLoss,
                history.ValidationRougeL,
                history.Epochs,
            });
            return;
        }
        terminal.Results.MarkupLine(Verdict(history));
        terminal.Results.WriteLine($"Saved '{output}' ({Figures.Bytes(bytes)}). Try it: peftml predict {output}");
    }

    /// <summary>Whether the soft prompt was worth it: the frozen model alone is the thing to beat.</summary>
    private static string Verdict(TrainingHistory history)
    {
        if (history.ValidationMetric is not { } reached)
            return $"Trained {history.Epochs.Count} epochs. No rows were held out, so nothing says how good it is.";
        if (history.BaseValidationLoss is { } frozen)
            return $"[bold]Validation loss {reached:0.0000}[/] (the frozen model alone: {frozen:0.0000}){(history.ValidationRougeL is { } rouge ? $", ROUGE-L {100 * rouge:0.0}" : "")}; best epoch {history.BestEpoch} of {history.Epochs.Count}.";
        string name = history.MetricName == "RSquared" ? "R²" : history.MetricName.ToLowerInvariant(), format = history.MetricName == "Accuracy" ? "P1" : "0.000";
        string probe = history.ProbeValidationMetric is { } metric ? $" (a linear probe on the frozen model: {metric.ToString(format)}, {Gain(history)})" : "";
        return $"[bold]Validation {name} {reached.ToString(format)}[/]{probe}; best epoch {history.BestEpoch} of {history.Epochs.Count}.";
    }

    private static string Gain(TrainingHistory history) => history.ImprovementOverProbe switch
    {
        > 0 and var gain => $"beaten by {(history.MetricName == "Accuracy" ? Figures.Points(gain)[1..] : $"{gain:0.000}")}",
        0 => "equally good, so the simpler model would do",
        _ => "which is better, so the simpler model would do",
    };
}
