using System.Buffers;
using System.Text;

namespace Microsoft.ML.Peft.Tokenization;

/// <summary>Finds added tokens in a text: the leftmost first and the longest of those that start there.</summary>
internal sealed class AddedTokenSplitter
{
    private readonly Dictionary<string, AddedToken>.AlternateLookup<ReadOnlySpan<char>> _tokens;
    private readonly Dictionary<char, int[]> _lengths;
    private readonly SearchValues<char> _firstChars;

    /// <param name="tokens">The tokens by the text that is looked for.</param>
    public AddedTokenSplitter(IEnumerable<KeyValuePair<string, AddedToken>> tokens)
    {
        Dictionary<string, AddedToken> byContent = new(StringComparer.Ordinal);
        foreach ((string content, AddedToken token) in tokens.Where(entry => entry.Key.Length > 0))
            byContent[content] = token;
        _tokens = byContent.GetAlternateLookup<ReadOnlySpan<char>>();
        _lengths = byContent.Keys.GroupBy(content => content[0]).ToDictionary(
            group => group.Key,
            group => group.Select(content => content.Length).Distinct().OrderDescending().ToArray());
        _firstChars = SearchValues.Create([.. _lengths.Keys]);
    }

    /// <summary>Calls <paramref name="onText"/> and <paramref name="onToken"/> for the parts of a text from left to right.</summary>
    public void Split(AlignedText text, Action<AlignedText> onText, Action<AddedToken, AlignedText> onToken)
    {
        ReadOnlySpan<char> chars = text.Chars;
        int textStart = 0;
        for (int index = 0; TryFind(chars, ref index, out AddedToken? token, out int length); index += length)
        {
            TextRange range = new(index, index + length);
            if (token.SingleWord && TouchesWord(chars, range))
                continue;
            range = WithWhiteSpace(chars, range, token, textStart);
            if (textStart < range.Start)
                onText(text.Slice(textStart, range.Start - textStart));
            onToken(token, text.Slice(range));
            textStart = range.End;
        }
        if (textStart < text.Length)
            onText(text.Slice(textStart, text.Length - textStart));
    }

    private bool TryFind(ReadOnlySpan<char> text, ref int index, out AddedToken token, out int length)
    {
        for (int skip; (skip = text[index..].IndexOfAny(_firstChars)) >= 0; index++)
        {
            index += skip;
            foreach (int candidate in _lengths[text[index]])
            {
                length = candidate;
                if (index + length <= text.Length && _tokens.TryGetValue(text.Slice(index, length), out token!))
                    return true;
            }
        }
        (token, length) = (null!, 0);
        return false;
    }

    private static bool TouchesWord(ReadOnlySpan<char> text, TextRange range)
    {
        Rune.DecodeLastFromUtf16(text[..range.Start], out Rune before, out _);
        return (range.Start > 0 && Characters.IsWord(before))
            || (range.End < text.Length && Characters.IsWord(Characters.RuneAt(text, range.End)));
    }

    private static TextRange WithWhiteSpace(ReadOnlySpan<char> text, TextRange range, AddedToken token, int textStart)
    {
        (int start, int end) = (range.Start, range.End);
        while (token.StripLeft && start > textStart && char.IsWhiteSpace(text[start - 1]))
            start--;
        while (token.StripRight && end < text.Length && char.IsWhiteSpace(text[end]))
            end++;
        return new TextRange(start, end);
    }
}
