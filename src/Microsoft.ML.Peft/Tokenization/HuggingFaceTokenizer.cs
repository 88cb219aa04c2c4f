using System.Buffers;
using Microsoft.ML.Peft.Tokenization.Models;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Peft.Tokenization;

/// <summary>
/// A tokenizer read from a Hugging Face <c>tokenizer.json</c>, or from what a GGUF file keeps of one. The members of the
/// base class add no special tokens and leave them out when they decode; <see cref="Encode"/> adds them. It is safe for
/// use by several threads.
/// </summary>
internal sealed class HuggingFaceTokenizer : Tokenizer
{
    private readonly TokenizerFile _file;
    private readonly AddedTokenSplitter _addedTokens;
    private readonly AddedTokenSplitter _normalizedAddedTokens;
    private readonly Dictionary<string, int> _addedIds = new(StringComparer.Ordinal);
    private readonly Dictionary<int, AddedToken> _addedById = [];
    private readonly Dictionary<int, string> _decodedAdded = [];
    private readonly HashSet<string> _specialContents = new(StringComparer.Ordinal);

    private HuggingFaceTokenizer(TokenizerFile file, SpecialTokenNames names)
    {
        _file = file;
        List<KeyValuePair<string, AddedToken>> plain = [];
        List<KeyValuePair<string, AddedToken>> normalized = [];
        foreach (AddedToken token in file.AddedTokens.Where(token => token.Content.Length > 0))
        {
            _addedIds[token.Content] = token.Id;
            _addedById[token.Id] = token;
            string content = token.Normalized
                ? file.Normalizer.Normalize(AlignedText.From(token.Content)).Chars.ToString()
                : token.Content;
            _decodedAdded[token.Id] = content;
            (token.Normalized ? normalized : plain).Add(new(content, token));
            if (token.Special)
                _specialContents.Add(token.Content);
        }
        _addedTokens = new AddedTokenSplitter(plain);
        _normalizedAddedTokens = new AddedTokenSplitter(normalized);
        SpecialIds = file.AddedTokens.Where(token => token.Special).Select(token => token.Id).ToHashSet();
        VocabularySize = Math.Max(file.Model.Vocabulary.Size, _addedById.Keys.Select(id => id + 1).DefaultIfEmpty().Max());
        ModelMaxLength = names.MaxLength;
        PadId = Find("pad_token");
        ClsId = Find("cls_token");
        SepId = Find("sep_token");
        EosId = Find("eos_token");
        BosId = Find("bos_token");
        UnkId = Find("unk_token");
        MaskId = Find("mask_token");

        int? Find(string role) => names[role] is string token ? TokenToId(token) : null;
    }

    /// <summary>The largest id plus one, added tokens included.</summary>
    public int VocabularySize { get; }

    /// <summary>How words become tokens: BPE, WordPiece or Unigram.</summary>
    public string Kind => _file.Model.Kind;

    /// <summary>The number of tokens that the model was made for; null when the files do not say.</summary>
    public int? ModelMaxLength { get; }

    public int? PadId { get; }

    public int? ClsId { get; }

    public int? SepId { get; }

    public int? EosId { get; }

    public int? BosId { get; }

    public int? UnkId { get; }

    public int? MaskId { get; }

    /// <summary>The added tokens that decoding leaves out.</summary>
    public IReadOnlySet<int> SpecialIds { get; }

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file, or one of those beside it, is damaged or incomplete.</exception>
    /// <exception cref="NotSupportedException">The file asks for a component that is not supported.</exception>
    public static HuggingFaceTokenizer Load(string tokenizerJsonPath) =>
        new(TokenizerFile.Read(tokenizerJsonPath), SpecialTokenNames.ReadBeside(tokenizerJsonPath));

    /// <summary>The tokenizer in the metadata of a GGUF file.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="metadata">Numbers of .NET's types, truth values, strings and arrays of these, by their keys.</param>
    /// <exception cref="InvalidDataException">A value is missing or does not fit the others.</exception>
    /// <exception cref="NotSupportedException">The values ask for a component that is not supported.</exception>
    public static HuggingFaceTokenizer FromGguf(string path, IReadOnlyDictionary<string, object> metadata)
    {
        (TokenizerFile file, SpecialTokenNames names) = GgufTokenizer.Read(new GgufMetadata(path, metadata));
        return new(file, names);
    }

    public int? TokenToId(string token) =>
        _addedIds.TryGetValue(token, out int id) ? id : _file.Model.Vocabulary.Find(token);

    public string? IdToToken(int id) =>
        _addedById.TryGetValue(id, out AddedToken? token) ? token.Content : _file.Model.Vocabulary.TokenOf(id);

    /// <summary>Encodes a text or a pair with special tokens; the longest text is cut first to <paramref name="maxTokens"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The special tokens alone are more than <paramref name="maxTokens"/>.</exception>
    public TokenizedText Encode(string text, string? secondText = null, int maxTokens = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(text);
        int[] first = [.. Tokenize(text).Select(token => token.Id)];
        int[] second = secondText is null ? [] : [.. Tokenize(secondText).Select(token => token.Id)];
        return _file.PostProcessor.Apply(first, second, isPair: secondText is not null, maxTokens);
    }

    /// <summary>Decodes ids; ids without a token are left out.</summary>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        List<string> tokens = [];
        foreach (int id in ids)
        {
            string? token = _decodedAdded.GetValueOrDefault(id) ?? _file.Model.Vocabulary.TokenOf(id);
            if (token is not null && !(skipSpecialTokens && _specialContents.Contains(token)))
                tokens.Add(token);
        }
        return string.Concat(_file.Decoder.Decode(tokens));
    }

    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids) => Decode(ids, skipSpecialTokens: true);

    /// <summary>Decodes all ids into the destination, or none when it is too small.</summary>
    public override OperationStatus Decode(
        IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        int[] all = [.. ids];
        string text = Decode(all);
        bool fits = text.TryCopyTo(destination);
        (idsConsumed, charsWritten) = fits ? (all.Length, text.Length) : (0, 0);
        return fits ? OperationStatus.Done : OperationStatus.DestinationTooSmall;
    }

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        ReadOnlySpan<char> input = text ?? textSpan;
        List<SourceToken> tokens = Tokenize(input, settings);
        int count = CountWithin(tokens, settings.MaxTokenCount);
        return new EncodeResults<EncodedToken>
        {
            Tokens = [.. tokens.Take(count).Select(ToEncodedToken)],
            CharsConsumed = EndOf(tokens, count, input.Length),
        };
    }

    /// <inheritdoc/>
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        ReadOnlySpan<char> input = text ?? textSpan;
        List<SourceToken> tokens = Tokenize(input, settings);
        int count = CountWithin(tokens, settings.MaxTokenCount);
        return new EncodeResults<int>
        {
            Tokens = [.. tokens.Take(count).Select(token => token.Id)],
            CharsConsumed = EndOf(tokens, count, input.Length),
        };
    }

    /// <inheritdoc/>
    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        CountWithin(Tokenize(text ?? textSpan, settings), settings.MaxTokenCount);

    /// <inheritdoc/>
    protected override int GetIndexByTokenCount(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd,
        out string? normalizedText, out int tokenCount)
    {
        normalizedText = null;
        ReadOnlySpan<char> input = text ?? textSpan;
        List<SourceToken> tokens = Tokenize(input, settings);
        if (!fromEnd)
        {
            tokenCount = CountWithin(tokens, settings.MaxTokenCount);
            return EndOf(tokens, tokenCount, input.Length);
        }
        int first = Math.Max(0, tokens.Count - settings.MaxTokenCount);
        while (first > 0 && first < tokens.Count && SharesCharacter(tokens, first))
            first++;
        tokenCount = tokens.Count - first;
        return first == 0 ? 0 : first == tokens.Count ? input.Length : tokens[first].Source.Start;
    }

    /// <summary>How many tokens may be kept so that no character is cut in two.</summary>
    private static int CountWithin(List<SourceToken> tokens, int maxTokenCount)
    {
        int count = Math.Min(tokens.Count, maxTokenCount);
        while (count > 0 && count < tokens.Count && SharesCharacter(tokens, count))
            count--;
        return count;
    }

    private static bool SharesCharacter(List<SourceToken> tokens, int index) =>
        tokens[index].Source.Start < tokens[index - 1].Source.End;

    private static int EndOf(List<SourceToken> tokens, int count, int textLength) =>
        count == tokens.Count ? textLength : count == 0 ? 0 : tokens[count - 1].Source.End;

    private static EncodedToken ToEncodedToken(SourceToken token) =>
        new(token.Id, token.Value, token.Source.Start..token.Source.End);

    private List<SourceToken> Tokenize(ReadOnlySpan<char> text, EncodeSettings settings)
    {
        if (!settings.ConsiderNormalization || !settings.ConsiderPreTokenization)
            throw new NotSupportedException(
                "A Hugging Face tokenizer cannot leave out its normalizer or pre-tokenizer; leave both considered.");
        List<SourceToken> tokens = Tokenize(text);
        _file.PostProcessor.TrimOffsets(tokens);
        return tokens;
    }

    private List<SourceToken> Tokenize(ReadOnlySpan<char> text)
    {
        List<SourceToken> tokens = [];
        _addedTokens.Split(
            AlignedText.From(text),
            part => _normalizedAddedTokens.Split(
                _file.Normalizer.Normalize(part),
                normalized => AddModelTokens(normalized, tokens),
                (token, match) => AddAddedToken(token, match, tokens)),
            (token, match) => AddAddedToken(token, match, tokens));
        return tokens;
    }

    private static void AddAddedToken(AddedToken token, AlignedText match, List<SourceToken> tokens) =>
        tokens.Add(new SourceToken(token.Id, match.Chars.ToString(), match.SourceOf(new TextRange(0, match.Length))));

    private void AddModelTokens(AlignedText text, List<SourceToken> tokens)
    {
        List<AlignedText> pieces = [];
        _file.PreTokenizer.Split(text, pieces);
        List<PieceToken> found = [];
        foreach (AlignedText piece in pieces)
        {
            found.Clear();
            _file.Model.Tokenize(piece.Chars, found);
            foreach ((int id, TextRange range) in found)
                tokens.Add(new SourceToken(id, _file.Model.Vocabulary.TokenOf(id)!, piece.SourceOf(range)));
        }
    }
}
