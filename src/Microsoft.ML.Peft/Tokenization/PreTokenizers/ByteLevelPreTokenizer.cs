using System.Text;
using Microsoft.ML.Peft.Tokenization.Normalizers;

namespace Microsoft.ML.Peft.Tokenization.PreTokenizers;

/// <summary>Splits into words as GPT-2 does, and writes every UTF-8 byte as one printable character.</summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : IPreTokenizer
{
    private const string Gpt2Words = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private readonly IPreTokenizer? _words = useRegex
        ? new SplitPreTokenizer(TextPattern.FromRegex(Gpt2Words), SplitBehavior.Isolated, invert: false)
        : null;
    private readonly PrependNormalizer _prefix = new(" ");

    public void Split(AlignedText text, List<AlignedText> pieces)
    {
        if (addPrefixSpace && !text.Chars.StartsWith(' '))
            text = _prefix.Normalize(text);
        int first = pieces.Count;
        if (_words is null)
            pieces.Add(text);
        else
            _words.Split(text, pieces);
        for (int i = first; i < pieces.Count; i++)
            pieces[i] = ToBytes(pieces[i]);
    }

    private static AlignedText ToBytes(AlignedText text)
    {
        AlignedTextBuilder builder = new(text.Length);
        Span<byte> bytes = stackalloc byte[4];
        int index = 0;
        foreach (Rune rune in text.Chars.EnumerateRunes())
        {
            int count = rune.EncodeToUtf8(bytes);
            foreach (byte value in bytes[..count])
                builder.Append(ByteAlphabet.ToChar(value), text.Sources[index]);
            index += rune.Utf16SequenceLength;
        }
        return builder.Build();
    }
}
