using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Models;

/// <summary>Unigram: the split of a piece whose tokens have the largest sum of scores (Viterbi).</summary>
internal sealed class UnigramModel : ITokenModel
{
    private const double UnknownPenalty = 10;

    /// <summary>Stands for a run of unknown characters until it is known what becomes of them.</summary>
    private const int Unknown = -1;

    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly int? _unknownId;
    private readonly int?[]? _byteTokens;
    private readonly TokenTrie _trie = new();

    /// <param name="vocabulary">The tokens.</param>
    /// <param name="scores">Their scores, by id.</param>
    /// <param name="unknownId">The token for unknown characters; null when there is none.</param>
    /// <param name="byteFallback">Whether unknown characters become the tokens of their UTF-8 bytes.</param>
    public UnigramModel(Vocabulary vocabulary, double[] scores, int? unknownId, bool byteFallback)
    {
        Vocabulary = vocabulary;
        _scores = scores;
        _unknownId = unknownId;
        _unknownScore = scores.Min() - UnknownPenalty;
        _byteTokens = byteFallback ? vocabulary.ByteTokens() : null;
        for (int id = 0; id < scores.Length; id++)
            _trie.Add(vocabulary.TokenOf(id)!, id);
    }

    public string Kind => "Unigram";

    public Vocabulary Vocabulary { get; }

    public void Tokenize(ReadOnlySpan<char> piece, List<PieceToken> tokens)
    {
        foreach (PieceToken token in BestPath(piece))
        {
            ReadOnlySpan<char> text = piece[token.Range.Start..token.Range.End];
            if (token.Id != Unknown)
                tokens.Add(token);
            // Characters that are unknown one by one may still be a token together.
            else if (Vocabulary.Find(text) is int id)
                tokens.Add(token with { Id = id });
            else if (!TryAddBytes(text, token.Range, tokens))
                tokens.Add(token with { Id = _unknownId ?? throw NoUnknownToken(text) });
        }
    }

    private Stack<PieceToken> BestPath(ReadOnlySpan<char> piece)
    {
        Node[] nodes = new Node[piece.Length + 1];
        Array.Fill(nodes, new Node(double.NegativeInfinity, 0, Unknown));
        nodes[0] = default;
        for (int start = 0; start < piece.Length;)
        {
            int length = char.IsHighSurrogate(piece[start]) ? 2 : 1;
            bool isKnown = false;
            TokenTrie.Walk walk = _trie.Start();
            for (int end = start + 1; end <= piece.Length && walk.TryStep(piece[end - 1]); end++)
            {
                if (walk.Token is not int id)
                    continue;
                Offer(ref nodes[end], nodes[start].Score + _scores[id], start, id);
                isKnown |= end == start + length;
            }
            if (!isKnown)
                Offer(ref nodes[start + length], nodes[start].Score + _unknownScore, start, Unknown);
            start += length;
        }
        return Backtrack(nodes);
    }

    private void Offer(ref Node node, double score, int start, int id)
    {
        if (score > node.Score)
            node = new Node(score, start, id == _unknownId ? Unknown : id);
    }

    /// <summary>The tokens of the best path; neighbouring unknown ones are one.</summary>
    private static Stack<PieceToken> Backtrack(Node[] nodes)
    {
        Stack<PieceToken> path = new();
        for (int end = nodes.Length - 1; end > 0; end = nodes[end].Start)
        {
            Node node = nodes[end];
            int runEnd = node.Id == Unknown && path.TryPeek(out PieceToken next) && next.Id == Unknown
                ? path.Pop().Range.End
                : end;
            path.Push(new PieceToken(node.Id, new TextRange(node.Start, runEnd)));
        }
        return path;
    }

    private bool TryAddBytes(ReadOnlySpan<char> text, TextRange range, List<PieceToken> tokens)
    {
        if (_byteTokens is null)
            return false;
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        if (bytes.Any(value => _byteTokens[value] is null))
            return false;
        foreach (byte value in bytes)
            tokens.Add(new PieceToken(_byteTokens[value]!.Value, range));
        return true;
    }

    private static InvalidOperationException NoUnknownToken(ReadOnlySpan<char> text) =>
        new($"The tokenizer has no token for '{text}' and no unknown token ('unk_id'); it cannot encode this text.");

    /// <summary>The best way to reach a position: its score, and the token that leads there from <c>Start</c>.</summary>
    private readonly record struct Node(double Score, int Start, int Id);
}
