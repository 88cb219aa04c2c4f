using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>Predictions beside a live input row, one row at a time: for PredictionEngine and for columns that cannot be buffered.</summary>
internal sealed class ScoringRow : DataViewRow
{
    private readonly ScoringSchema _schema;
    private readonly DataViewRow _input;
    private readonly TextScorer _scorer;
    private readonly bool[] _active;
    private readonly ValueGetter<ReadOnlyMemory<char>>? _text;
    private readonly ValueGetter<ReadOnlyMemory<char>>? _secondText;
    private readonly ScoredRows _outputs;
    private long _scoredPosition = -1;

    public ScoringRow(DataViewRow input, IReadOnlyCollection<DataViewSchema.Column> active, ScoringSchema schema, TextScorer scorer)
    {
        (_input, _schema, _scorer) = (input, schema, scorer);
        _active = schema.ActiveColumns(active);
        _outputs = new ScoredRows(1, schema.Outputs);
        if (!active.Any(schema.IsPrediction))
            return;
        _text = input.GetGetter<ReadOnlyMemory<char>>(schema.Text);
        if (schema.SecondText is { } second)
            _secondText = input.GetGetter<ReadOnlyMemory<char>>(second);
    }

    public override DataViewSchema Schema => _schema.Output;

    public override long Position => _input.Position;

    public override long Batch => _input.Batch;

    public override bool IsColumnActive(DataViewSchema.Column column) => column.Index < _active.Length && _active[column.Index];

    public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        CursorErrors.CheckActive(this, column);
        if (!_schema.IsPrediction(column))
            return _input.GetGetter<TValue>(_schema.Input[column.Index]);
        return ScoringSchema.Cast<TValue>(_schema.PredictionGetter(column, Outputs), column);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _input.Dispose();
        base.Dispose(disposing);
    }

    private ScoredRow Outputs()
    {
        if (_input.Position < 0)
            throw CursorErrors.NoCurrentRow();
        if (_scoredPosition == _input.Position)
            return _outputs[0];
        _scorer([Read(_text!)], _secondText is null ? [] : [Read(_secondText)], _outputs);
        _scoredPosition = _input.Position;
        return _outputs[0];
    }

    private static string Read(ValueGetter<ReadOnlyMemory<char>> getter)
    {
        ReadOnlyMemory<char> text = default;
        getter(ref text);
        return text.ToString();
    }
}
