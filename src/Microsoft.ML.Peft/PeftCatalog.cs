using Microsoft.ML.Data;
using Microsoft.ML.Peft;

namespace Microsoft.ML;

/// <summary>Soft prompts of frozen transformers for text classification, regression and generation, as parts of ML.NET pipelines.</summary>
public static class PeftCatalog
{
    /// <summary>
    /// Prompt tuning: trains embeddings in front of the input of a frozen transformer, and a head
    /// (Lester et al. 2021). The smallest of the three methods.
    /// </summary>
    /// <param name="catalog">`mlContext.Transforms`.</param>
    /// <param name="labelColumnName">The label column: Key (multiclass classification), Boolean (binary classification), Single (regression) or Text (generation).</param>
    /// <param name="textColumnName">The text column.</param>
    /// <param name="secondTextColumnName">A second text column for pairs; null for none.</param>
    /// <param name="model">The frozen model: a directory in Hugging Face layout, the name of an embedded model, or `owner/name` on the Hugging Face hub; null for the embedded `all-MiniLM-L6-v2`, in generation for `SmolLM2-135M-Instruct`.</param>
    /// <param name="virtualTokens">The number of virtual tokens, at least 1.</param>
    /// <param name="validationSet">Rows to validate on after each epoch; null to hold out a tenth of the training rows.</param>
    /// <exception cref="ArgumentException">An argument is out of its range.</exception>
    /// <example>
    /// <code>
    /// var pipeline = mlContext.Transforms.Conversion.MapValueToKey("Label")
    ///     .Append(mlContext.Transforms.PromptTuning(labelColumnName: "Label", textColumnName: "Text"))
    ///     .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
    /// ITransformer model = pipeline.Fit(train);
    /// </code>
    /// </example>
    public static PromptTuningEstimator PromptTuning(
        this TransformsCatalog catalog, string labelColumnName = DefaultColumnNames.Label, string textColumnName = "Text",
        string? secondTextColumnName = null, string? model = null, int virtualTokens = 20, IDataView? validationSet = null)
        => catalog.PromptTuning(Fill(new PromptTuningOptions(), labelColumnName, textColumnName, secondTextColumnName, model, virtualTokens, validationSet));

    /// <inheritdoc cref="PromptTuning(TransformsCatalog, string, string, string?, string?, int, IDataView?)"/>
    /// <param name="catalog">`mlContext.Transforms`.</param>
    /// <param name="options">All settings; copied, so later changes have no effect.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static PromptTuningEstimator PromptTuning(this TransformsCatalog catalog, PromptTuningOptions options)
        => new(CatalogUtils.GetEnvironment(catalog), options);

    /// <summary>
    /// Prefix tuning: trains keys and values in every attention layer of a frozen transformer, and a head
    /// (Li and Liang 2021). Reaches furthest on small models.
    /// </summary>
    /// <inheritdoc cref="PromptTuning(TransformsCatalog, string, string, string?, string?, int, IDataView?)"/>
    /// <example>
    /// <code>
    /// var pipeline = mlContext.Transforms.Conversion.MapValueToKey("Label")
    ///     .Append(mlContext.Transforms.PrefixTuning(labelColumnName: "Label", textColumnName: "Text"))
    ///     .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
    /// ITransformer model = pipeline.Fit(train);
    /// </code>
    /// </example>
    public static PrefixTuningEstimator PrefixTuning(
        this TransformsCatalog catalog, string labelColumnName = DefaultColumnNames.Label, string textColumnName = "Text",
        string? secondTextColumnName = null, string? model = null, int virtualTokens = 20, IDataView? validationSet = null)
        => catalog.PrefixTuning(Fill(new PrefixTuningOptions(), labelColumnName, textColumnName, secondTextColumnName, model, virtualTokens, validationSet));

    /// <inheritdoc cref="PrefixTuning(TransformsCatalog, string, string, string?, string?, int, IDataView?)"/>
    /// <param name="catalog">`mlContext.Transforms`.</param>
    /// <param name="options">All settings; copied, so later changes have no effect.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static PrefixTuningEstimator PrefixTuning(this TransformsCatalog catalog, PrefixTuningOptions options)
        => new(CatalogUtils.GetEnvironment(catalog), options);

    /// <summary>
    /// P-tuning: trains virtual tokens of a frozen transformer through a small network, and a head
    /// (Liu et al. 2021).
    /// </summary>
    /// <inheritdoc cref="PromptTuning(TransformsCatalog, string, string, string?, string?, int, IDataView?)"/>
    /// <example>
    /// <code>
    /// var pipeline = mlContext.Transforms.Conversion.MapValueToKey("Label")
    ///     .Append(mlContext.Transforms.PTuning(labelColumnName: "Label", textColumnName: "Text"))
    ///     .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
    /// ITransformer model = pipeline.Fit(train);
    /// </code>
    /// </example>
    public static PTuningEstimator PTuning(
        this TransformsCatalog catalog, string labelColumnName = DefaultColumnNames.Label, string textColumnName = "Text",
        string? secondTextColumnName = null, string? model = null, int virtualTokens = 20, IDataView? validationSet = null)
        => catalog.PTuning(Fill(new PTuningOptions(), labelColumnName, textColumnName, secondTextColumnName, model, virtualTokens, validationSet));

    /// <inheritdoc cref="PTuning(TransformsCatalog, string, string, string?, string?, int, IDataView?)"/>
    /// <param name="catalog">`mlContext.Transforms`.</param>
    /// <param name="options">All settings; copied, so later changes have no effect.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static PTuningEstimator PTuning(this TransformsCatalog catalog, PTuningOptions options)
        => new(CatalogUtils.GetEnvironment(catalog), options);

    /// <summary>Generation has no trainer of ML.NET beside it; this evaluates its texts as, say, `MulticlassClassification` evaluates classes.</summary>
    /// <param name="context">The context.</param>
    /// <example>
    /// <code>
    /// GenerationMetrics metrics = mlContext.TextGeneration().Evaluate(model.Transform(test));
    /// </code>
    /// </example>
    public static TextGenerationCatalog TextGeneration(this MLContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new TextGenerationCatalog();
    }

    /// <summary>
    /// Loads an adapter directory of Hugging Face PEFT as a transformer, which predicts or writes in pipelines and is saved as one that was
    /// trained here.
    /// </summary>
    /// <param name="catalog">`mlContext.Model`.</param>
    /// <param name="directory">The adapter directory, see <see cref="PeftModel.Load"/>.</param>
    /// <param name="model">The frozen model as in `PretrainedModel.Load`; null for the one that the adapter names.</param>
    /// <param name="labelColumnName">The label column's name, which only evaluations read.</param>
    /// <param name="textColumnName">The text column.</param>
    /// <param name="secondTextColumnName">A second text column for pairs; null for none.</param>
    /// <param name="promptTemplate">
    /// For an adapter that writes and does not say its template: what texts are put into, see <see cref="SoftPromptOptions.PromptTemplate"/>. Null: the text and a line break.
    /// </param>
    /// <exception cref="ArgumentException">The adapter names no model; or a template is given that it does not take.</exception>
    /// <exception cref="DirectoryNotFoundException">The adapter or the model was not found.</exception>
    /// <exception cref="FileNotFoundException">A directory lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or does not fit the frozen model.</exception>
    /// <exception cref="NotSupportedException">It is an adapter of another kind, or stored as a pickle.</exception>
    public static SoftPromptTransformer LoadAdapter(
        this ModelOperationsCatalog catalog, string directory, string? model = null, string labelColumnName = DefaultColumnNames.Label,
        string textColumnName = "Text", string? secondTextColumnName = null, string? promptTemplate = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        var options = new PrefixTuningOptions { LabelColumnName = labelColumnName, TextColumnName = textColumnName, SecondTextColumnName = secondTextColumnName, PromptTemplate = promptTemplate };
        return SoftPromptTransformer.FromAdapter(CatalogUtils.GetEnvironment(catalog), directory, model, options.CheckedCopy());
    }

    private static T Fill<T>(
        T options, string labelColumnName, string textColumnName, string? secondTextColumnName, string? model, int virtualTokens, IDataView? validationSet)
        where T : SoftPromptOptions
    {
        options.LabelColumnName = labelColumnName;
        options.TextColumnName = textColumnName;
        options.SecondTextColumnName = secondTextColumnName;
        options.Model = model;
        options.VirtualTokens = virtualTokens;
        options.ValidationSet = validationSet;
        return options;
    }
}
