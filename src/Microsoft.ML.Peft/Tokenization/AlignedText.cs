using System.Text;

namespace Microsoft.ML.Peft.Tokenization;

/// <summary>
/// A text on its way through the tokenizer: well-formed UTF-16 in which every code unit knows the range of the original
/// text that it stands for. Both units of a surrogate pair carry the range of the whole character.
/// </summary>
internal readonly struct AlignedText
{
    private readonly char[] _chars;
    private readonly TextRange[] _sources;
    private readonly int _start;

    public AlignedText(char[] chars, TextRange[] sources, int start, int length)
    {
        _chars = chars;
        _sources = sources;
        _start = start;
        Length = length;
    }

    public int Length { get; }

    public bool IsEmpty => Length == 0;

    public ReadOnlySpan<char> Chars => _chars.AsSpan(_start, Length);

    public ReadOnlySpan<TextRange> Sources => _sources.AsSpan(_start, Length);

    /// <summary>Takes a text as it is, but for lone surrogates, which become U+FFFD.</summary>
    public static AlignedText From(ReadOnlySpan<char> text)
    {
        char[] chars = text.ToArray();
        TextRange[] sources = new TextRange[chars.Length];
        for (int i = 0; i < chars.Length;)
        {
            if (Rune.DecodeFromUtf16(text[i..], out _, out int length) != System.Buffers.OperationStatus.Done)
                chars[i] = (char)Rune.ReplacementChar.Value;
            sources.AsSpan(i, length).Fill(new TextRange(i, i + length));
            i += length;
        }
        return new AlignedText(chars, sources, 0, chars.Length);
    }

    public AlignedText Slice(int start, int length) => new(_chars, _sources, _start + start, length);

    public AlignedText Slice(TextRange range) => Slice(range.Start, range.End - range.Start);

    /// <summary>The original range of the code units from <paramref name="range"/>'s start to its end.</summary>
    public TextRange SourceOf(TextRange range) => new(Sources[range.Start].Start, Sources[range.End - 1].End);
}
