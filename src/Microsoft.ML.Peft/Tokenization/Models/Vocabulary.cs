namespace Microsoft.ML.Peft.Tokenization.Models;

/// <summary>The tokens of a model and their ids.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _idsBySpan;
    private readonly Dictionary<int, string> _tokens;

    public Vocabulary(IEnumerable<KeyValuePair<string, int>> entries)
    {
        _ids = new(StringComparer.Ordinal);
        _tokens = [];
        foreach ((string token, int id) in entries)
        {
            _ids[token] = id;
            _tokens[id] = token;
            MaxTokenLength = Math.Max(MaxTokenLength, token.Length);
            Size = Math.Max(Size, id + 1);
        }
        _idsBySpan = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The length of the longest token in UTF-16 code units.</summary>
    public int MaxTokenLength { get; }

    /// <summary>The largest id plus one.</summary>
    public int Size { get; }

    public int? Find(ReadOnlySpan<char> token) => _idsBySpan.TryGetValue(token, out int id) ? id : null;

    public string? TokenOf(int id) => _tokens.GetValueOrDefault(id);

    /// <summary>The ids of the tokens <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>, by byte; null where one is missing.</summary>
    public int?[] ByteTokens() => [.. Enumerable.Range(0, 256).Select(value => Find($"<0x{value:X2}>"))];
}
