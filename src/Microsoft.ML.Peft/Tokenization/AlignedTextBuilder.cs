using System.Text;

namespace Microsoft.ML.Peft.Tokenization;

/// <summary>Builds the result of a normalization step character by character.</summary>
internal sealed class AlignedTextBuilder(int capacity)
{
    private char[] _chars = new char[capacity];
    private TextRange[] _sources = new TextRange[capacity];
    private int _length;

    public void Append(char unit, TextRange source)
    {
        if (_length == _chars.Length)
            Grow(1);
        _chars[_length] = unit;
        _sources[_length++] = source;
    }

    public void Append(Rune rune, TextRange source)
    {
        if (_chars.Length - _length < 2)
            Grow(2);
        int length = rune.EncodeToUtf16(_chars.AsSpan(_length));
        _sources.AsSpan(_length, length).Fill(source);
        _length += length;
    }

    /// <summary>Appends a text of which every character stands for the same original range.</summary>
    public void Append(ReadOnlySpan<char> text, TextRange source)
    {
        foreach (char unit in text)
            Append(unit, source);
    }

    public void Append(AlignedText text)
    {
        if (_chars.Length - _length < text.Length)
            Grow(text.Length);
        text.Chars.CopyTo(_chars.AsSpan(_length));
        text.Sources.CopyTo(_sources.AsSpan(_length));
        _length += text.Length;
    }

    public AlignedText Build() => new(_chars, _sources, 0, _length);

    private void Grow(int needed)
    {
        int capacity = Math.Max(_length + needed, Math.Max(16, _chars.Length * 2));
        Array.Resize(ref _chars, capacity);
        Array.Resize(ref _sources, capacity);
    }
}
