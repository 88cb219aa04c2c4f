using System.Buffers;

namespace Microsoft.ML.Peft.Tokenization.Models;

/// <summary>WordPiece: the longest token first, and the unknown token for a word that cannot be put together.</summary>
internal sealed class WordPieceModel(Vocabulary vocabulary, int unknownId, string continuingPrefix, int maxWordLength)
    : ITokenModel
{
    public string Kind => "WordPiece";

    public Vocabulary Vocabulary => vocabulary;

    public void Tokenize(ReadOnlySpan<char> piece, List<PieceToken> tokens)
    {
        int first = tokens.Count;
        if (CountCharacters(piece) <= maxWordLength && TryTokenize(piece, tokens))
            return;
        tokens.RemoveRange(first, tokens.Count - first);
        tokens.Add(new PieceToken(unknownId, new TextRange(0, piece.Length)));
    }

    private bool TryTokenize(ReadOnlySpan<char> piece, List<PieceToken> tokens)
    {
        // The word lies behind room for the prefix, which overwrites what has been tokenized already.
        int room = continuingPrefix.Length;
        char[] buffer = ArrayPool<char>.Shared.Rent(room + piece.Length);
        piece.CopyTo(buffer.AsSpan(room));
        bool found = true;
        for (int start = 0; found && start < piece.Length;)
        {
            if (start > 0)
                continuingPrefix.CopyTo(buffer.AsSpan(start));
            int from = start > 0 ? start : room;
            Span<char> rest = buffer.AsSpan(from, room + piece.Length - from);
            found = TryFindLongest(rest, start > 0 ? room : 0, out int id, out int length);
            int end = from + length - room;
            tokens.Add(new PieceToken(id, new TextRange(start, end)));
            start = end;
        }
        ArrayPool<char>.Shared.Return(buffer);
        return found;
    }

    private bool TryFindLongest(ReadOnlySpan<char> text, int prefixLength, out int id, out int length)
    {
        for (length = Math.Min(text.Length, vocabulary.MaxTokenLength); length > prefixLength; length--)
        {
            if (vocabulary.Find(text[..length]) is int found)
            {
                id = found;
                return true;
            }
        }
        id = 0;
        return false;
    }

    private static int CountCharacters(ReadOnlySpan<char> piece)
    {
        int count = 0;
        foreach (char unit in piece)
            count += char.IsLowSurrogate(unit) ? 0 : 1;
        return count;
    }
}
