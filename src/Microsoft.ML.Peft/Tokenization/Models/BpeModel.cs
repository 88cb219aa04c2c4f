using System.Collections.Concurrent;
using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Models;

/// <summary>Byte pair encoding over characters (of text or of the byte alphabet), with SentencePiece's fall-backs.</summary>
internal sealed class BpeModel : ITokenModel
{
    private const int CacheCapacity = 10_000;
    private const int LongestCachedPiece = 256;

    private readonly BpeOptions _options;
    private readonly BpeMerges _merges;
    private readonly int?[]? _byteTokens;
    private readonly ConcurrentDictionary<string, PieceToken[]> _cache = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, PieceToken[]>.AlternateLookup<ReadOnlySpan<char>> _cacheBySpan;
    private int _cached;

    public BpeModel(Vocabulary vocabulary, BpeMerges merges, BpeOptions options)
    {
        Vocabulary = vocabulary;
        _merges = merges;
        _options = options;
        _byteTokens = options.ByteFallback ? vocabulary.ByteTokens() : null;
        _cacheBySpan = _cache.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public string Kind => "BPE";

    public Vocabulary Vocabulary { get; }

    public void Tokenize(ReadOnlySpan<char> piece, List<PieceToken> tokens)
    {
        if (_options.IgnoreMerges && Vocabulary.Find(piece) is int whole)
        {
            tokens.Add(new PieceToken(whole, new TextRange(0, piece.Length)));
            return;
        }
        if (piece.Length > LongestCachedPiece)
        {
            tokens.AddRange(Merge(piece));
            return;
        }
        if (!_cacheBySpan.TryGetValue(piece, out PieceToken[]? merged))
        {
            merged = Merge(piece);
            if (Volatile.Read(ref _cached) < CacheCapacity && _cacheBySpan.TryAdd(piece, merged))
                Interlocked.Increment(ref _cached);
        }
        tokens.AddRange(merged);
    }

    private PieceToken[] Merge(ReadOnlySpan<char> piece) => _merges.Apply(Characters(piece));

    /// <summary>The single characters as tokens; unknown ones as byte tokens or the unknown token, or dropped.</summary>
    private List<PieceToken> Characters(ReadOnlySpan<char> piece)
    {
        List<PieceToken> symbols = new(piece.Length);
        PieceToken? unknown = null;
        int index = 0;
        foreach (Rune rune in piece.EnumerateRunes())
        {
            TextRange range = new(index, index + rune.Utf16SequenceLength);
            index = range.End;
            if (Find(piece[range.Start..range.End], isFirst: range.Start == 0, isLast: index == piece.Length) is int id)
            {
                Flush(symbols, ref unknown);
                symbols.Add(new PieceToken(id, range));
            }
            else if (!TryAddBytes(rune, range, symbols) && _options.UnknownId is int unknownId)
            {
                if (!_options.FuseUnknown)
                    Flush(symbols, ref unknown);
                unknown = new PieceToken(unknownId, new TextRange(unknown?.Range.Start ?? range.Start, range.End));
            }
        }
        Flush(symbols, ref unknown);
        return symbols;
    }

    private static void Flush(List<PieceToken> symbols, ref PieceToken? unknown)
    {
        if (unknown is PieceToken token)
            symbols.Add(token);
        unknown = null;
    }

    private int? Find(ReadOnlySpan<char> character, bool isFirst, bool isLast)
    {
        string? prefix = isFirst ? null : _options.ContinuingPrefix;
        string? suffix = isLast ? _options.WordSuffix : null;
        return prefix is null && suffix is null
            ? Vocabulary.Find(character)
            : Vocabulary.Find(string.Concat(prefix, character, suffix));
    }

    private bool TryAddBytes(Rune rune, TextRange range, List<PieceToken> symbols)
    {
        if (_byteTokens is null)
            return false;
        Span<byte> bytes = stackalloc byte[4];
        bytes = bytes[..rune.EncodeToUtf8(bytes)];
        foreach (byte value in bytes)
        {
            if (_byteTokens[value] is null)
                return false;
        }
        foreach (byte value in bytes)
            symbols.Add(new PieceToken(_byteTokens[value]!.Value, range));
        return true;
    }
}
