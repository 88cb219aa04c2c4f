using Microsoft.ML.Data;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>The input with predictions, computed batch by batch when a cursor reads them.</summary>
internal sealed class BatchScoringView(IDataView source, PredictionShape shape, TextScorer scorer, int? batchSize = null) : IDataView
{
    /// <summary>Enough rows for the model to sort by length; few enough to buffer.</summary>
    public const int DefaultBatchSize = 256;

    /// <summary>Written texts take seconds: fewer at a time, so that who reads a few rows does not wait for hundreds.</summary>
    public const int WritingBatchSize = 32;

    private readonly int _batchSize = batchSize ?? (shape.Task == PredictionTask.Generation ? WritingBatchSize : DefaultBatchSize);
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
            ? new BatchScoringCursor(input, needed, _schema, scorer, _batchSize)
            : new RowScoringCursor(input, new ScoringRow(input, needed, _schema, scorer));
    }

    /// <summary>One cursor: a batch already uses all cores.</summary>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
        => [GetRowCursor(columnsNeeded, rand)];
}
