using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>Searches the best soft prompt to write texts in one call, in the shape of ML.NET's experiments.</summary>
public sealed class PeftTextGenerationExperiment
{
    private readonly MLContext _mlContext;
    private readonly PeftExperimentSettings _settings;

    internal PeftTextGenerationExperiment(MLContext mlContext, PeftExperimentSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        (_mlContext, _settings) = (mlContext, settings);
    }

    /// <summary>Searches for the smallest loss.</summary>
    /// <param name="trainData">The training rows.</param>
    /// <param name="validationData">The rows that trials are compared by; null to hold out some of the training rows.</param>
    /// <param name="labelColumnName">The column of the texts to write; it must be Text.</param>
    /// <param name="progressHandler">Is told of every trial that ends or waits.</param>
    /// <returns>The best trial, and all others; <see cref="PeftTrialResult.LoadModel"/> loads a model.</returns>
    /// <exception cref="ArgumentException">The data does not fit; the message says what to change.</exception>
    /// <exception cref="InvalidOperationException">All trials failed.</exception>
    /// <exception cref="TimeoutException">The time ended before any soft prompt had a result.</exception>
    /// <exception cref="OperationCanceledException">The search was cancelled.</exception>
    public PeftExperimentResult Execute(
        IDataView trainData, IDataView? validationData = null, string labelColumnName = "Label", IProgress<PeftTrialResult>? progressHandler = null)
    {
        ArgumentNullException.ThrowIfNull(trainData);
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        if (trainData.Schema.GetColumnOrNull(labelColumnName) is { Type: not TextDataViewType } label)
            throw new ArgumentException($"The label column '{labelColumnName}' is {label.Type}; for generation it must be Text, the text to write.", nameof(labelColumnName));
        return _settings.Run(_mlContext, labelColumnName, progressHandler, experiment => experiment.SetDataset(trainData, validationData));
    }
}
