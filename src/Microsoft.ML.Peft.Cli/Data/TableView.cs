using System.Globalization;
using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.Cli.Data;

/// <summary>A column of a view.</summary>
/// <param name="Name">Its name in the view.</param>
/// <param name="Source">The file's column that it reads; null for one that is empty in every row.</param>
/// <param name="Type">Text, Boolean or Single.</param>
internal sealed record TableColumn(string Name, string? Source, PrimitiveDataViewType Type);

/// <summary>A file's rows as ML.NET reads them: each time anew, one at a time.</summary>
internal sealed class TableView : IDataView
{
    private readonly TableFile _table;
    private readonly CancellationToken _cancellation;
    private readonly int?[] _sources;
    private readonly int? _required;

    /// <param name="table">The file.</param>
    /// <param name="columns">The columns of the view.</param>
    /// <param name="cancellation">Ends reading.</param>
    /// <param name="required">A column of the file without which rows are left out; null for none.</param>
    public TableView(TableFile table, IReadOnlyList<TableColumn> columns, CancellationToken cancellation, string? required = null)
    {
        _required = required is null ? null : table.IndexOf(required);
        (_table, _cancellation) = (table, cancellation);
        _sources = [.. columns.Select(column => column.Source is null ? (int?)null : table.IndexOf(column.Source))];
        var schema = new DataViewSchema.Builder();
        foreach (var column in columns)
            schema.AddColumn(column.Name, column.Type);
        Schema = schema.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => false;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) => new Cursor(this, columnsNeeded);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) => [GetRowCursor(columnsNeeded)];

    private sealed class Cursor(TableView view, IEnumerable<DataViewSchema.Column> needed) : DataViewRowCursor
    {
        private readonly HashSet<int> _active = [.. needed.Select(column => column.Index)];
        private readonly IEnumerator<string[]> _rows = view._table.Rows().GetEnumerator();
        private long _position = -1;
        private long _row;      // in the file, from 1

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema => view.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => _active.Contains(column.Index);

        public override bool MoveNext()
        {
            do
            {
                view._cancellation.ThrowIfCancellationRequested();
                if (!_rows.MoveNext())
                    return false;
                _row++;
            }
            while (view._required is { } required && string.IsNullOrWhiteSpace(_rows.Current[required]));
            _position++;
            return true;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Delegate getter = column.Type switch
            {
                BooleanDataViewType => (ValueGetter<bool>)((ref bool value) => value = LabelText.Boolean(Text(column)) ?? throw Unreadable(column, "true or false")),
                NumberDataViewType => (ValueGetter<float>)((ref float value) => value = Text(column) is { Length: > 0 } text ? LabelText.Number(text) ?? throw Unreadable(column, "a number") : float.NaN),
                _ => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = Text(column).AsMemory()),
            };
            return getter as ValueGetter<TValue> ?? throw new InvalidOperationException($"The column '{column.Name}' is {column.Type}, not {typeof(TValue).Name}.");
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _rows.Dispose();
            base.Dispose(disposing);
        }

        private string Text(DataViewSchema.Column column) => view._sources[column.Index] is { } source ? _rows.Current[source] : "";

        private InvalidDataException Unreadable(DataViewSchema.Column column, string expected) => new(string.Create(CultureInfo.InvariantCulture,
            $"'{view._table.Name}', row {_row}: the label '{Text(column)}' is not {expected}."));
    }
}
