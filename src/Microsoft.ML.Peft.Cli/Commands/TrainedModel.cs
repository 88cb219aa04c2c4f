using System.Collections;
using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Cli.Data;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>A model that predicts: a saved ML.NET pipeline with a soft prompt in it, or an adapter directory.</summary>
internal sealed class TrainedModel : IDisposable
{
    private readonly DataViewSchema? _inputSchema;

    private TrainedModel(string path, IReadOnlyList<ITransformer> transformers, DataViewSchema? inputSchema)
    {
        (Path, Transformers, _inputSchema) = (path, transformers, inputSchema);
        SoftPrompt = (SoftPromptTransformer)transformers[^1];
    }

    public string Path { get; }

    /// <summary>The pipeline up to its soft prompt; what comes behind only renames its outputs.</summary>
    public IReadOnlyList<ITransformer> Transformers { get; }

    public SoftPromptTransformer SoftPrompt { get; }

    /// <summary>The class names in the order of the outputs; numbers where they are not known. Empty without classes.</summary>
    public IReadOnlyList<string> Classes => SoftPrompt.Task switch
    {
        PredictionTask.Binary => [bool.FalseString, bool.TrueString],
        PredictionTask.Multiclass => SoftPrompt.Model.Labels ?? [.. Enumerable.Range(0, SoftPrompt.Model.Outputs).Select(i => i.ToString())],
        _ => [],
    };

    /// <param name="mlContext">The context.</param>
    /// <param name="path">A `.zip` of ML.NET or an adapter directory.</param>
    /// <param name="baseModel">For an adapter directory, the frozen model; null for the one that it names.</param>
    public static TrainedModel Load(MLContext mlContext, string path, string? baseModel = null)
    {
        if (Directory.Exists(path))
            return new TrainedModel(path, [mlContext.Model.LoadAdapter(path, baseModel)], null);
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no model '{path}'; give a .zip that 'peftml train' or ML.NET has saved, or an adapter directory.", path);
        if (baseModel is not null)
            throw new ArgumentException($"'{path}' names its own frozen model; --model is for adapter directories.");
        var (pipeline, schema) = LoadZip(mlContext, path);
        ITransformer[] transformers = [.. Flat(pipeline)];
        int at = Array.FindIndex(transformers, transformer => transformer is SoftPromptTransformer);
        return at >= 0 ? new TrainedModel(path, transformers[..(at + 1)], schema) : throw new InvalidDataException($"'{path}' is an ML.NET model without a soft prompt.");
    }

    /// <summary>
    /// The rows as the pipeline takes them: its text columns, whatever the file calls them, a label column if one is given, and every column of
    /// the file as it is, under <see cref="InputName"/>.
    /// </summary>
    public IDataView View(TableFile table, string text, string? second, string? label, CancellationToken cancellation)
    {
        var columns = new List<TableColumn> { new(SoftPrompt.TextColumnName, text, TextDataViewType.Instance) };
        if (SoftPrompt.SecondTextColumnName is { } secondName)
            columns.Add(new TableColumn(secondName, second, TextDataViewType.Instance));
        if (label is not null)
            columns.Add(new TableColumn(SoftPrompt.LabelColumnName, label, LabelType));
        // Pipelines trained elsewhere may begin with what only training needs, such as the label.
        foreach (var column in _inputSchema ?? Enumerable.Empty<DataViewSchema.Column>())
        {
            if (columns.TrueForAll(known => known.Name != column.Name))
                columns.Add(new TableColumn(column.Name, table.Find(column.Name) is { } at ? table.Columns[at] : null, column.Type as PrimitiveDataViewType ?? TextDataViewType.Instance));
        }
        columns.AddRange(table.Columns.Select((name, i) => new TableColumn(InputName(i), name, TextDataViewType.Instance)));
        return new TableView(table, columns, cancellation, required: label);
    }

    /// <summary>Refuses a pipeline that reads more than these columns, or gives its classes no names.</summary>
    public void CheckReads(IEnumerable<string> columns)
    {
        foreach (var column in _inputSchema ?? Enumerable.Empty<DataViewSchema.Column>())
        {
            if (!columns.Contains(column.Name))
                throw new NotSupportedException($"'{Path}' reads the column '{column.Name}' besides texts and label; a project can be made of pipelines that read nothing else.");
        }
        if (SoftPrompt is { Task: PredictionTask.Multiclass, Model.Labels: null })
            throw new NotSupportedException($"'{Path}' does not know the names of its classes; train it anew with 'peftml train'.");
    }

    public static string InputName(int column) => $"input.{column}";

    public IDataView Transform(IDataView rows) => Transformers.Aggregate(rows, (view, transformer) => transformer.Transform(view));

    public void Dispose() => SoftPrompt.Dispose();

    private PrimitiveDataViewType LabelType => SoftPrompt.Task switch
    {
        PredictionTask.Binary => BooleanDataViewType.Instance,
        PredictionTask.Regression => NumberDataViewType.Single,
        _ => TextDataViewType.Instance,
    };

    private static (ITransformer Pipeline, DataViewSchema Schema) LoadZip(MLContext mlContext, string path)
    {
        try
        {
            return (mlContext.Model.Load(path, out var schema), schema);
        }
        // What a component throws is wrapped, and says itself what to do.
        catch (Exception e) when (e is not (TargetInvocationException or IOException or UnauthorizedAccessException))
        {
            throw new InvalidDataException($"'{path}' is no model that ML.NET has saved, or damaged.", e);
        }
    }

    private static IEnumerable<ITransformer> Flat(ITransformer transformer) =>
        transformer is IEnumerable parts ? parts.OfType<ITransformer>().SelectMany(Flat) : [transformer];
}
