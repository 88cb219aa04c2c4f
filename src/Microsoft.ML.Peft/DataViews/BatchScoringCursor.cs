using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>Reads a window of rows ahead, buffers the columns passed through, and scores the window when the first prediction is read.</summary>
internal sealed class BatchScoringCursor : DataViewRowCursor
{
    private readonly ScoringSchema _schema;
    private readonly TextScorer _scorer;
    private readonly DataViewRowCursor _input;
    private readonly bool[] _active;
    private readonly Dictionary<int, ColumnBuffer> _buffers;
    private readonly TextBuffer _texts;
    private readonly TextBuffer? _secondTexts;
    private readonly ValueGetter<DataViewRowId> _inputId;
    private readonly DataViewRowId[] _ids;
    private readonly long[] _batches;
    private readonly ScoredRows _outputs;
    private readonly ScoringWindow _window;
    private int _size;
    private int _count;
    private int _current;
    private long _position = -1;
    private bool _scored;
    private bool _finished;

    public BatchScoringCursor(
        DataViewRowCursor input, IReadOnlyCollection<DataViewSchema.Column> active, ScoringSchema schema, TextScorer scorer, ScoringWindow window)
    {
        (_input, _schema, _scorer, _window, _size) = (input, schema, scorer, window, window.First);
        int most = window.Most;
        _active = schema.ActiveColumns(active);
        _buffers = schema.PassedThrough(active).ToDictionary(c => c.Index, c => ColumnBuffer.Create(input, c, most));
        _texts = new TextBuffer(input, schema.Text, most);
        _secondTexts = schema.SecondText is { } second ? new TextBuffer(input, second, most) : null;
        _inputId = input.GetIdGetter();
        _ids = new DataViewRowId[most];
        _batches = new long[most];
        _outputs = new ScoredRows(most, schema.Outputs);
    }

    public override DataViewSchema Schema => _schema.Output;

    public override long Position => _position;

    public override long Batch => _batches[_current];

    public override bool IsColumnActive(DataViewSchema.Column column) => column.Index < _active.Length && _active[column.Index];

    public override bool MoveNext()
    {
        if (_finished)
            return false;
        if (++_current >= _count)
            ReadWindow();
        if (_count == 0)
        {
            Finish();
            return false;
        }
        _position++;
        return true;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId target) => target = _ids[CurrentSlot()];

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        CursorErrors.CheckActive(this, column);
        var getter = _schema.IsPrediction(column)
            ? _schema.PredictionGetter(column, CurrentOutputs)
            : _buffers[column.Index].Getter(CurrentSlot);
        return ScoringSchema.Cast<TValue>(getter, column);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Finish();
            _input.Dispose();
        }
        base.Dispose(disposing);
    }

    private void ReadWindow()
    {
        _size = _count == _size ? _window.After(_size) : _size;
        (_count, _current, _scored) = (0, 0, false);
        while (_count < _size && _input.MoveNext())
        {
            foreach (var buffer in _buffers.Values)
                buffer.Read(_count);
            _texts.Read(_count);
            _secondTexts?.Read(_count);
            _inputId(ref _ids[_count]);
            _batches[_count++] = _input.Batch;
        }
    }

    private void Finish() => (_finished, _position) = (true, -1);

    private int CurrentSlot() => _position >= 0 ? _current : throw CursorErrors.NoCurrentRow();

    private ScoredRow CurrentOutputs()
    {
        int slot = CurrentSlot();
        if (!_scored)
        {
            _scorer(_texts.First(_count), _secondTexts is null ? [] : _secondTexts.First(_count), _outputs);
            _scored = true;
        }
        return _outputs[slot];
    }
}
