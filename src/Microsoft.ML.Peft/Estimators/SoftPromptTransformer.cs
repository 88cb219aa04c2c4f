using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Peft;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Estimators;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Native;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(SoftPromptTransformer), null, typeof(SignatureLoadModel), "Soft prompt", SavedTransformer.LoaderSignature)]

namespace Microsoft.ML.Peft;

/// <summary>
/// Predicts or writes with a frozen transformer and a trained soft prompt. Saved pipelines hold the soft prompt and the head, not the
/// frozen model. Thread-safe; rows are computed in batches when a prediction is first read.
/// </summary>
/// <remarks>
/// Output columns: for a Key label `PredictedLabel` (Key with the label's key values) and `Score` (the class probabilities); for a
/// Boolean label `PredictedLabel` (Boolean), `Probability` (of `true`) and `Score` (its log-odds); for a Single label `Score` (the
/// value); for a Text label `GeneratedText` (Text). A missing text counts as an empty one.
/// <para>
/// Texts are written with the template and the <see cref="GenerationOptions"/> of training. Where tokens are drawn, the options' seed and the
/// row's own text decide: the same text always gets the same answer, whatever rows stand beside it.
/// </para>
/// <para>
/// `mlContext.Model.Load` finds the frozen model again by its name and fingerprint. ML.NET wraps what goes wrong there (a
/// <see cref="FileNotFoundException"/> without the model, an <see cref="InvalidDataException"/> for a damaged file) in a
/// TargetInvocationException, whose GetBaseException() says what to do.
/// </para>
/// </remarks>
public sealed class SoftPromptTransformer : ITransformer, IDisposable
{
    private readonly IHost _host;
    private readonly PredictionShape _shape;
    private readonly Precision _precision;
    private readonly PeftModel _model;
    private volatile bool _disposed;

    internal SoftPromptTransformer(IHostEnvironment environment, PredictionShape shape, Precision precision, PeftModel model, TrainingHistory history)
    {
        _host = environment.Register(nameof(SoftPromptTransformer));
        (_shape, _precision, _model, TrainingHistory) = (shape, precision, model, history);
    }

    /// <summary>The trained model: usable without ML.NET; disposed with this transformer.</summary>
    /// <exception cref="ObjectDisposedException">The transformer is disposed.</exception>
    public PeftModel Model
    {
        get
        {
            CheckNotDisposed();
            return _model;
        }
    }

    /// <summary>What happened in training; saved and loaded with the transformer.</summary>
    public TrainingHistory TrainingHistory { get; }

    /// <summary>What it predicts, which the label column's type decided in training.</summary>
    public PredictionTask Task => _shape.Task;

    /// <summary>The label column of the training rows. Predictions do not need it.</summary>
    public string LabelColumnName => _shape.Names.Label;

    /// <summary>The text column that it reads.</summary>
    public string TextColumnName => _shape.Names.Text;

    /// <summary>The second text column that it reads; null for none.</summary>
    public string? SecondTextColumnName => _shape.Names.SecondText;

    /// <summary>The output column of predicted classes; in classification.</summary>
    public string PredictedLabelColumnName => _shape.Names.PredictedLabel;

    /// <summary>The output column of class probabilities, of the logit (binary) or of the value (regression).</summary>
    public string ScoreColumnName => _shape.Names.Score;

    /// <summary>The output column of the probability of `true`; in binary classification.</summary>
    public string ProbabilityColumnName => _shape.Names.Probability;

    /// <summary>The output column of written texts; in generation.</summary>
    public string GeneratedTextColumnName => _shape.Names.GeneratedText;

    bool ITransformer.IsRowToRowMapper => true;

    /// <summary>Saves the soft prompt and the head as an adapter directory in the layout of Hugging Face PEFT.</summary>
    /// <param name="directory">The directory, which is made if it does not exist. Files of an adapter in it are replaced, others stay.</param>
    /// <param name="includeTrainingState">
    /// Whether to write `training_state.safetensors`, too, from which a later training goes on (<see cref="SoftPromptOptions.InitialAdapter"/>): the network of
    /// P-tuning or of a projected prefix, many times the size of the adapter. Plain prompts and prefixes do not need it. Default false.
    /// </param>
    /// <exception cref="InvalidOperationException">The training state is asked for, but this transformer was loaded: only the one that Fit returns has it.</exception>
    /// <exception cref="IOException">The disk is full or the path unusable.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory is not writable.</exception>
    /// <exception cref="ObjectDisposedException">The transformer is disposed.</exception>
    public void SaveAdapter(string directory, bool includeTrainingState = false) => Model.Save(directory, includeTrainingState);

    /// <summary>The input's columns and the predictions behind them.</summary>
    /// <param name="inputSchema">The columns of the data to predict on.</param>
    /// <exception cref="ArgumentException">A text column is missing or no Text.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => new ScoringSchema(inputSchema, _shape).Output;

    /// <summary>The rows with predictions, computed when a cursor reads them.</summary>
    /// <param name="input">Rows with the text columns; a label column is not needed.</param>
    /// <exception cref="ArgumentException">A text column is missing or no Text.</exception>
    /// <exception cref="ObjectDisposedException">The transformer is disposed, now or when a cursor reads predictions.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        CheckNotDisposed();
        return new BatchScoringView(input, _shape, Score);
    }

    /// <summary>Frees this transformer's share of the frozen model. Others that use the same model keep theirs.</summary>
    public void Dispose()
    {
        _disposed = true;
        _model.Dispose();
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        CheckNotDisposed();
        return new ScoringRowMapper(inputSchema, _shape, Score);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        var backbone = Model.Backbone;
        new SavedTransformer(_shape, _precision, backbone.Name, backbone.Fingerprint, _model.ToFiles(), TrainingHistory).Write(ctx);
    }

    /// <summary>An adapter directory as a transformer.</summary>
    /// <param name="environment">The environment.</param>
    /// <param name="directory">The adapter directory.</param>
    /// <param name="baseModel">The frozen model; null for the one that the adapter names.</param>
    /// <param name="options">The columns, and the template for an adapter that says none.</param>
    internal static SoftPromptTransformer FromAdapter(IHostEnvironment environment, string directory, string? baseModel, SoftPromptOptions options)
    {
        var description = AdapterDescription.Read(directory);
        string name = baseModel ?? description.BaseModel ?? throw new ArgumentException($"The adapter in '{directory}' does not name its frozen model; give it.", nameof(baseModel));
        var settings = (IHostEnvironmentInternal)environment;
        using var backbone = PretrainedModel.Load(name, Precision.Auto, Devices.Choose(settings.GpuDeviceId, settings.FallbackToCpu));
        var adapter = Adapter.Load(backbone, directory);
        try
        {
            if (options.PromptTemplate is not null && (adapter.Head is not null || adapter.LabelWords is not null || adapter.Generation is not null))
                throw new ArgumentException($"The adapter in '{directory}' takes no other prompt template: {(adapter.Head is null ? "it has one of its own" : "it reads texts as they are")}.", nameof(options));
            if (adapter is { Head: null, LabelWords: null, Generation: null })
                adapter = adapter with { Generation = new GenerationDescription { PromptTemplate = options.PromptTemplate ?? PromptTemplate.Default(options.SecondTextColumnName is not null, ((LanguageModel)backbone.Frozen.Backbone).Continues), Options = options.Generation } };
            return new SoftPromptTransformer(environment, ShapeOf(adapter, options.ToColumnNames()), Precision.Auto, new PeftModel(backbone, adapter), TrainingHistory.Unknown);
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    private static PredictionShape ShapeOf(Adapter adapter, ColumnNames names)
    {
        if (adapter.Generation is not null)
            return new PredictionShape(names, PredictionTask.Generation, 0, null);
        var task = adapter.Description?.Task ?? adapter.LabelWords!.Task;
        var labels = adapter.Description?.Labels ?? adapter.LabelWords?.Labels;
        return new PredictionShape(names, task, adapter.Head?.Outputs ?? labels!.Count, task == PredictionTask.Multiclass && labels is not null ? LabelKeys.FromNames(labels) : null);
    }

    // Found by its name when a saved pipeline is loaded.
    private static SoftPromptTransformer Create(IHostEnvironment environment, ModelLoadContext ctx)
    {
        var saved = SavedTransformer.Read(ctx);
        var settings = (IHostEnvironmentInternal)environment;
        var device = Devices.Choose(settings.GpuDeviceId, settings.FallbackToCpu);
        using var backbone = PretrainedModel.Find(saved.ModelName, saved.ModelFingerprint, saved.Precision, device);
        var model = PeftModel.FromFiles(backbone, saved.Files);
        bool writes = saved.Shape.Task == PredictionTask.Generation;
        if (model.Task == saved.Shape.Task && (writes ? model.PromptTemplate is not null : model.Outputs == saved.Shape.Outputs))
            return new SoftPromptTransformer(environment, saved.Shape, saved.Precision, model, saved.History);
        model.Dispose();
        throw new InvalidDataException(
            $"The saved soft prompt is damaged: its columns are for {saved.Shape.Task} with {saved.Shape.Outputs} outputs, its adapter is for something else; save the model again.");
    }

    private void Score(ReadOnlySpan<string> texts, ReadOnlySpan<string> secondTexts, ScoredRows outputs)
    {
        CheckNotDisposed();
        _host.CheckAlive();
        if (_shape.Task == PredictionTask.Generation)
            _model.Write(texts, secondTexts, outputs.Texts(texts.Length));
        else
            _model.Score(texts, secondTexts, outputs.Numbers(texts.Length), _host.CheckAlive);
    }

    private void CheckNotDisposed()
    {
        if (_disposed)
            throw new ObjectDisposedException(nameof(SoftPromptTransformer),
                "The SoftPromptTransformer is disposed. A PredictionEngine disposes the model it was made from unless it is made with " +
                "PredictionEngineOptions.OwnsTransformer = false; dispose the model last, or load it again.");
    }
}
