using System.Numerics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>Reads a label column as numbers: a class index from 0, 0 or 1 for a Boolean, or the value; NaN where it is missing.</summary>
internal sealed class LabelReader
{
    private readonly DataViewRow _row;
    private readonly DataViewSchema.Column _column;
    private readonly Func<float> _read;

    public LabelReader(DataViewRow row, DataViewSchema.Column column)
    {
        (_row, _column) = (row, column);
        _read = column.Type switch
        {
            KeyDataViewType key when key.RawType == typeof(byte) => KeyReader<byte>(key),
            KeyDataViewType key when key.RawType == typeof(ushort) => KeyReader<ushort>(key),
            KeyDataViewType key when key.RawType == typeof(uint) => KeyReader<uint>(key),
            KeyDataViewType key => KeyReader<ulong>(key),
            BooleanDataViewType => BooleanReader(),
            _ => ValueReader(),
        };
    }

    public float Read() => _read();

    private Func<float> KeyReader<T>(KeyDataViewType type) where T : struct, IBinaryInteger<T>
    {
        var getter = _row.GetGetter<T>(_column);
        return () =>
        {
            T value = default;
            getter(ref value);
            ulong key = ulong.CreateChecked(value);
            if (key > type.Count)
                throw new ArgumentException($"The label column '{_column.Name}' has the key {key} in {Row}, but it has only {type.Count} classes.");
            return key == 0 ? float.NaN : key - 1;
        };
    }

    private Func<float> BooleanReader()
    {
        var getter = _row.GetGetter<bool>(_column);
        return () =>
        {
            bool value = false;
            getter(ref value);
            return value ? 1 : 0;
        };
    }

    private Func<float> ValueReader()
    {
        var getter = _row.GetGetter<float>(_column);
        return () =>
        {
            float value = float.NaN;
            getter(ref value);
            if (float.IsInfinity(value))
                throw new ArgumentException($"The label column '{_column.Name}' is infinite in {Row}; remove the row or replace its label by a number.");
            return value;
        };
    }

    private string Row => $"row {_row.Position} (the first is row 0)";
}
