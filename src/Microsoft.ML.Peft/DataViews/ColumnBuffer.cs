using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>Holds one input column's values of the rows read ahead.</summary>
internal abstract class ColumnBuffer
{
    /// <summary>Whether values stay valid when the cursor moves on: images and other structured values do not.</summary>
    public static bool CanHold(DataViewType type) => type is PrimitiveDataViewType or VectorDataViewType;

    public static ColumnBuffer Create(DataViewRow row, DataViewSchema.Column column, int capacity)
    {
        var type = column.Type is VectorDataViewType vector
            ? typeof(VectorBuffer<>).MakeGenericType(vector.ItemType.RawType)
            : typeof(ScalarBuffer<>).MakeGenericType(column.Type.RawType);
        return (ColumnBuffer)Activator.CreateInstance(type, row, column, capacity)!;
    }

    /// <summary>Copies the current row's value.</summary>
    public abstract void Read(int slot);

    /// <summary>A ValueGetter of the value in the slot that <paramref name="slot"/> returns.</summary>
    public abstract Delegate Getter(Func<int> slot);

    private sealed class ScalarBuffer<T>(DataViewRow row, DataViewSchema.Column column, int capacity) : ColumnBuffer
    {
        private readonly T[] _values = new T[capacity];
        private readonly ValueGetter<T> _getter = row.GetGetter<T>(column);

        public override void Read(int slot) => _getter(ref _values[slot]);

        public override Delegate Getter(Func<int> slot) => (ValueGetter<T>)((ref T target) => target = _values[slot()]);
    }

    private sealed class VectorBuffer<T>(DataViewRow row, DataViewSchema.Column column, int capacity) : ColumnBuffer
    {
        private readonly VBuffer<T>[] _values = new VBuffer<T>[capacity];
        private readonly ValueGetter<VBuffer<T>> _getter = row.GetGetter<VBuffer<T>>(column);

        public override void Read(int slot) => _getter(ref _values[slot]);

        public override Delegate Getter(Func<int> slot) => (ValueGetter<VBuffer<T>>)((ref VBuffer<T> target) => _values[slot()].CopyTo(ref target));
    }
}
