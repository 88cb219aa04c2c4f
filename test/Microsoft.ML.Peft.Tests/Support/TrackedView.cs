using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>Counts the cursors that are open.</summary>
internal sealed class TrackedView(IDataView source) : IDataView
{
    public int OpenCursors { get; private set; }

    public bool CanShuffle => source.CanShuffle;

    public DataViewSchema Schema => source.Schema;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        OpenCursors++;
        return new Cursor(source.GetRowCursor(columnsNeeded, rand), this);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
        => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(DataViewRowCursor input, TrackedView view) : DataViewRowCursor
    {
        private bool _disposed;

        public override DataViewSchema Schema => input.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override bool MoveNext() => input.MoveNext();

        public override bool IsColumnActive(DataViewSchema.Column column) => input.IsColumnActive(column);

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => input.GetGetter<TValue>(column);

        protected override void Dispose(bool disposing)
        {
            if (!_disposed)
                view.OpenCursors--;
            _disposed = true;
            input.Dispose();
            base.Dispose(disposing);
        }
    }
}
