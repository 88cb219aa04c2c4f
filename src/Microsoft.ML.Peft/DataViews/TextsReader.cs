using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>Reads a column of Text, or of vectors of Text, as the texts that are not empty.</summary>
internal sealed class TextsReader
{
    private readonly Func<IReadOnlyList<string>> _read;

    public TextsReader(DataViewRow row, DataViewSchema.Column column)
        => _read = column.Type is VectorDataViewType ? Vectors(row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column)) : Scalars(new TextBuffer(row, column, capacity: 1));

    /// <summary>The current row's texts.</summary>
    public IReadOnlyList<string> Read() => _read();

    private static Func<IReadOnlyList<string>> Scalars(TextBuffer buffer) => () => buffer.ReadOne() is { Length: > 0 } text ? [text] : [];

    private static Func<IReadOnlyList<string>> Vectors(ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter)
    {
        VBuffer<ReadOnlyMemory<char>> values = default;
        return () =>
        {
            getter(ref values);
            return [.. values.DenseValues().Where(value => !value.IsEmpty).Select(value => value.ToString())];
        };
    }
}
