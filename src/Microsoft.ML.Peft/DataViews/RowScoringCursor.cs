using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>Moves a <see cref="ScoringRow"/> along its input cursor.</summary>
internal sealed class RowScoringCursor(DataViewRowCursor input, ScoringRow row) : DataViewRowCursor
{
    public override DataViewSchema Schema => row.Schema;

    public override long Position => input.Position;

    public override long Batch => input.Batch;

    public override bool MoveNext() => input.MoveNext();

    public override bool IsColumnActive(DataViewSchema.Column column) => row.IsColumnActive(column);

    public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => row.GetGetter<TValue>(column);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            row.Dispose();
        base.Dispose(disposing);
    }
}
