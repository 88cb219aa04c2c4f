using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>Searches the best soft prompt to classify texts in one call, as ML.NET's experiments do.</summary>
public sealed class PeftTextClassificationExperiment
{
    private readonly MLContext _mlContext;
    private readonly PeftExperimentSettings _settings;

    internal PeftTextClassificationExperiment(MLContext mlContext, PeftExperimentSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        (_mlContext, _settings) = (mlContext, settings);
    }

    /// <summary>Searches.</summary>
    /// <param name="trainData">The training rows.</param>
    /// <param name="validationData">The rows that trials are compared by; null to hold out some of the training rows.</param>
    /// <param name="labelColumnName">
    /// The label column: Text, Key or Boolean. Text labels become keys within the models, whose `PredictedLabel` is a text again.
    /// </param>
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
        return _settings.Run(_mlContext, labelColumnName, progressHandler, experiment =>
        {
            if (trainData.Schema.GetColumnOrNull(labelColumnName) is { Type: TextDataViewType })
                SetTextLabels(experiment, trainData, validationData, labelColumnName);
            else
                experiment.SetDataset(trainData, validationData);
        });
    }

    private void SetTextLabels(PeftExperiment experiment, IDataView train, IDataView? validation, string label)
    {
        var conversion = _mlContext.Transforms.Conversion;
        ITransformer toKey = conversion.MapValueToKey(label).Fit(train);
        experiment.SetDataset(toKey.Transform(train), validation is null ? null : toKey.Transform(validation));
        experiment.Settings = experiment.Settings with
        {
            InputSchema = train.Schema,
            Wrap = model =>
            {
                string predicted = experiment.Settings.Columns.PredictedLabel;
                ITransformer toText = conversion.MapKeyToValue(predicted).Fit(model.Transform(toKey.Transform(train)));
                return new TransformerChain<ITransformer>(model, toText);     // predictions need no label
            },
        };
    }
}
