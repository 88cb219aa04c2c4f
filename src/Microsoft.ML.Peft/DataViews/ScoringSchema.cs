using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>The columns of one input bound to one transformer: the input's columns keep their index, the predictions follow.</summary>
internal sealed class ScoringSchema
{
    private readonly IReadOnlyList<PredictionColumn> _predictions;

    public ScoringSchema(DataViewSchema input, PredictionShape shape)
    {
        ArgumentNullException.ThrowIfNull(input);
        Input = input;
        Outputs = shape.Outputs;
        Text = FindText("text", shape.Names.Text);
        SecondText = shape.Names.SecondText is null ? null : FindText("second text", shape.Names.SecondText);

        uint scoreSet = input.GetMaxAnnotationKind(out _, AnnotationUtils.Kinds.ScoreColumnSetId) + 1;
        _predictions = PredictionColumns.Describe(shape, scoreSet);
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        foreach (var column in _predictions)
            builder.AddColumn(column.Name, column.Type, column.Annotations);
        Output = builder.ToSchema();
    }

    public DataViewSchema Input { get; }

    public DataViewSchema Output { get; }

    /// <summary>The width of the head; 0 where the model writes.</summary>
    public int Outputs { get; }

    public DataViewSchema.Column Text { get; }

    public DataViewSchema.Column? SecondText { get; }

    public bool IsPrediction(DataViewSchema.Column column) => column.Index >= Input.Count;

    /// <summary>The input's columns among the wanted ones.</summary>
    public IReadOnlyList<DataViewSchema.Column> PassedThrough(IEnumerable<DataViewSchema.Column> wanted)
        => [.. wanted.Where(c => !IsPrediction(c)).Select(c => Input[c.Index]).DistinctBy(c => c.Index)];

    /// <summary>The input's columns that the wanted ones are computed from.</summary>
    public IReadOnlyList<DataViewSchema.Column> Dependencies(IReadOnlyCollection<DataViewSchema.Column> wanted)
    {
        var columns = PassedThrough(wanted);
        if (!wanted.Any(IsPrediction))
            return columns;
        DataViewSchema.Column[] texts = SecondText is { } second ? [Text, second] : [Text];
        return [.. columns.Concat(texts).DistinctBy(c => c.Index)];
    }

    public bool[] ActiveColumns(IEnumerable<DataViewSchema.Column> wanted)
    {
        var active = new bool[Output.Count];
        foreach (var column in wanted)
            active[column.Index] = true;
        return active;
    }

    public Delegate PredictionGetter(DataViewSchema.Column column, RowOutputs raw) => _predictions[column.Index - Input.Count].CreateGetter(raw);

    /// <summary>The getter as the caller's type, or an exception that names the column's own.</summary>
    public static ValueGetter<T> Cast<T>(Delegate getter, DataViewSchema.Column column) => getter as ValueGetter<T>
        ?? throw new InvalidOperationException($"The column '{column.Name}' is {column.Type}; its values are {column.Type.RawType}, not {typeof(T)}.");

    private DataViewSchema.Column FindText(string role, string name)
    {
        InputColumns.FindText(SchemaShape.Create(Input), role, name);
        return Input[name];
    }
}
