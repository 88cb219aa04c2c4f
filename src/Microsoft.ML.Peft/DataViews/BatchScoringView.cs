using Microsoft.ML.Data;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>The input with predictions, computed batch by batch when a cursor reads them.</summary>
internal sealed class BatchScoringView(IDataView source, PredictionShape shape, TextScorer scorer, ScoringWindow? window = null) : IDataView
{
    private readonly ScoringWindow _window = window ?? (shape.Task == PredictionTask.Generation ? ScoringWindow.Writing : ScoringWindow.Scoring);
    private readonly ScoringSchema _schema = new(source.Schema, shape);

    public DataViewSchema Schema => _schema.Output;

    public bool CanShuffle => source.CanShuffle;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var needed = columnsNeeded.ToList();
        var input = source.GetRowCursor(_schema.Dependencies(needed), rand);
        bool batched = needed.Any(_schema.IsPrediction) && _schema.PassedThrough(needed).All(c => ColumnBuffer.CanHold(c.Type));
        return batched
            ? new BatchScoringCursor(input, needed, _schema, scorer, _window)
            : new RowScoringCursor(input, new ScoringRow(input, needed, _schema, scorer));
    }

    /// <summary>One cursor: a batch already uses all cores.</summary>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
        => [GetRowCursor(columnsNeeded, rand)];
}
