using Microsoft.ML.Peft.Estimators;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Peft;

/// <summary>
/// Trains virtual tokens of a frozen transformer through a small network (P-tuning).
/// Made by <see cref="PeftCatalog.PTuning(TransformsCatalog, PTuningOptions)"/>.
/// </summary>
public sealed class PTuningEstimator : IEstimator<SoftPromptTransformer>
{
    private readonly SoftPromptFit _fit;

    internal PTuningEstimator(IHostEnvironment environment, PTuningOptions options)
        => _fit = new SoftPromptFit(environment, nameof(PTuningEstimator), options);

    /// <summary>Trains on the rows that have a label.</summary>
    /// <param name="input">Rows with a label column and one or two text columns.</param>
    /// <returns>The transformer, which the caller may dispose.</returns>
    /// <exception cref="ArgumentException">A column is missing or has the wrong type, or nothing can be learnt from its values.</exception>
    /// <exception cref="NotSupportedException">The label column is Text, and the model cannot write; or its architecture is not supported.</exception>
    /// <exception cref="OperationCanceledException">Training was cancelled.</exception>
    public SoftPromptTransformer Fit(IDataView input) => _fit.Fit(input);

    /// <summary>Checks the input columns and returns the schema that the fitted transformer will deliver.</summary>
    /// <param name="inputSchema">The columns of the data to fit.</param>
    /// <exception cref="ArgumentException">A column is missing or has the wrong type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _fit.GetOutputSchema(inputSchema);
}
