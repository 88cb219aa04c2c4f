using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>Holds the texts to score of the rows read ahead; a missing text is the empty string.</summary>
internal sealed class TextBuffer(DataViewRow row, DataViewSchema.Column column, int capacity)
{
    private readonly string[] _texts = new string[capacity];
    private readonly ValueGetter<ReadOnlyMemory<char>> _getter = row.GetGetter<ReadOnlyMemory<char>>(column);

    public void Read(int slot)
    {
        ReadOnlyMemory<char> text = default;
        _getter(ref text);
        _texts[slot] = text.ToString();
    }

    /// <summary>The current row's text alone.</summary>
    public string ReadOne()
    {
        Read(0);
        return _texts[0];
    }

    public ReadOnlySpan<string> First(int count) => _texts.AsSpan(0, count);
}
