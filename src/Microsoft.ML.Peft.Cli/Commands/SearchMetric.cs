using Microsoft.ML.Peft.AutoML;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>The metrics that a search can optimise, by task.</summary>
internal static class SearchMetric
{
    public static string Names { get; } = string.Join(", ",
        new[] { typeof(PeftMulticlassMetric), typeof(PeftBinaryMetric), typeof(PeftRegressionMetric), typeof(PeftGenerationMetric) }.SelectMany(Enum.GetNames).Distinct().Select(name => name.ToLowerInvariant()));

    public static void Set(PeftExperiment experiment, string name, PredictionTask task)
    {
        _ = task switch
        {
            PredictionTask.Multiclass => experiment.SetMulticlassClassificationMetric(Named<PeftMulticlassMetric>(name, task)),
            PredictionTask.Binary => experiment.SetBinaryClassificationMetric(Named<PeftBinaryMetric>(name, task)),
            PredictionTask.Regression => experiment.SetRegressionMetric(Named<PeftRegressionMetric>(name, task)),
            _ => experiment.SetGenerationMetric(Named<PeftGenerationMetric>(name, task)),
        };
    }

    private static T Named<T>(string name, PredictionTask task)
        where T : struct, Enum => Enum.TryParse<T>(name, ignoreCase: true, out var metric) && Enum.IsDefined(metric)
            ? metric
            : throw new ArgumentException($"--metric is '{name}'; for {task.ToString().ToLowerInvariant()} it must be one of {string.Join(", ", Enum.GetNames<T>().Select(value => value.ToLowerInvariant()))}.");
}
