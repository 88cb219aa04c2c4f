using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>A structured value, such as an image, that a data view cannot hold across rows.</summary>
internal sealed class OpaqueValue
{
    public long Number { get; set; }
}

/// <summary>Appends a column of <see cref="OpaqueValue"/>s that hold the row's position.</summary>
internal static class OpaqueColumn
{
    public static IDataView Append(this IDataView source, string name) => new View(source, name);

    private sealed class View : IDataView
    {
        private readonly IDataView _source;

        public View(IDataView source, string name)
        {
            _source = source;
            var builder = new DataViewSchema.Builder();
            builder.AddColumns(source.Schema);
            builder.AddColumn(name, OpaqueType.Instance);
            Schema = builder.ToSchema();
        }

        public bool CanShuffle => false;

        public DataViewSchema Schema { get; }

        public long? GetRowCount() => _source.GetRowCount();

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
            => new Cursor(_source.GetRowCursor(columnsNeeded.Where(c => c.Index < _source.Schema.Count).Select(c => _source.Schema[c.Index])), this);

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
            => [GetRowCursor(columnsNeeded, rand)];
    }

    private sealed class Cursor(DataViewRowCursor input, View view) : DataViewRowCursor
    {
        public override DataViewSchema Schema => view.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override bool MoveNext() => input.MoveNext();

        public override bool IsColumnActive(DataViewSchema.Column column) => true;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            => column.Index < input.Schema.Count
                ? input.GetGetter<TValue>(input.Schema[column.Index])
                : (ValueGetter<TValue>)(Delegate)(ValueGetter<OpaqueValue>)((ref OpaqueValue target) => target = new OpaqueValue { Number = input.Position });
    }

    private sealed class OpaqueType() : StructuredDataViewType(typeof(OpaqueValue))
    {
        public static OpaqueType Instance { get; } = new();

        public override bool Equals(DataViewType? other) => other is OpaqueType;
    }
}
