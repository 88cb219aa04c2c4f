namespace Microsoft.ML.Peft.AutoML;

/// <summary>Searches for soft prompts. Made by <see cref="PeftMLContextExtension.Peft"/>.</summary>
public sealed class PeftAutoCatalog
{
    private readonly MLContext _mlContext;

    internal PeftAutoCatalog(MLContext mlContext) => _mlContext = mlContext;

    /// <summary>An experiment whose methods, data, tuner and budget its verbs set.</summary>
    public PeftExperiment CreateExperiment() => new(_mlContext);

    /// <summary>An experiment that searches the best soft prompt to classify texts in one call.</summary>
    /// <param name="maxExperimentTimeInSeconds">The time of the search in seconds, at least 1.</param>
    public PeftTextClassificationExperiment CreateTextClassificationExperiment(uint maxExperimentTimeInSeconds)
        => CreateTextClassificationExperiment(new PeftExperimentSettings { MaxExperimentTimeInSeconds = maxExperimentTimeInSeconds });

    /// <summary>An experiment that searches the best soft prompt to classify texts in one call.</summary>
    /// <param name="experimentSettings">The settings.</param>
    public PeftTextClassificationExperiment CreateTextClassificationExperiment(PeftExperimentSettings experimentSettings) => new(_mlContext, experimentSettings);

    /// <summary>An experiment that searches the best soft prompt to write texts in one call.</summary>
    /// <param name="maxExperimentTimeInSeconds">The time of the search in seconds, at least 1.</param>
    public PeftTextGenerationExperiment CreateTextGenerationExperiment(uint maxExperimentTimeInSeconds)
        => CreateTextGenerationExperiment(new PeftExperimentSettings { MaxExperimentTimeInSeconds = maxExperimentTimeInSeconds });

    /// <summary>An experiment that searches the best soft prompt to write texts in one call.</summary>
    /// <param name="experimentSettings">The settings.</param>
    public PeftTextGenerationExperiment CreateTextGenerationExperiment(PeftExperimentSettings experimentSettings) => new(_mlContext, experimentSettings);
}
