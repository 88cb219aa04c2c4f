using Microsoft.ML.Peft.Tokenization.Decoders;
using Microsoft.ML.Peft.Tokenization.Models;
using Microsoft.ML.Peft.Tokenization.Normalizers;
using Microsoft.ML.Peft.Tokenization.PreTokenizers;

namespace Microsoft.ML.Peft.Tokenization;

/// <summary>
/// The tokenizer that the metadata of a GGUF file describe: byte-level BPE (<c>gpt2</c>) or SentencePiece's BPE with byte
/// fallback (<c>llama</c>), put together as the <c>tokenizer.json</c> that the file was made from has it.
/// </summary>
internal sealed class GgufTokenizer
{
    private const string Prefix = "tokenizer.ggml.";
    private const string VisibleSpace = "\u2581";

    private static readonly (string Role, string Key)[] Roles =
    [
        ("pad_token", "padding_token_id"), ("bos_token", "bos_token_id"), ("eos_token", "eos_token_id"), ("unk_token", "unknown_token_id"),
        ("cls_token", "cls_token_id"), ("sep_token", "seperator_token_id"), ("mask_token", "mask_token_id"),
    ];

    private readonly GgufMetadata _metadata;
    private readonly string[] _tokens;
    private readonly int[] _types;
    private readonly Vocabulary _vocabulary;

    private GgufTokenizer(GgufMetadata metadata)
    {
        _metadata = metadata;
        _tokens = metadata.Texts(Prefix + "tokens");
        _vocabulary = new Vocabulary(_tokens.Select((token, id) => KeyValuePair.Create(token, id)));
        _types = metadata.Has(Prefix + "token_type")
            ? SameLength(metadata.Integers(Prefix + "token_type"), "token_type")
            : [.. Enumerable.Repeat((int)TokenType.Normal, _tokens.Length)];
    }

    private enum TokenType
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
    }

    /// <summary>The tokenizer's parts, and the roles of its special tokens.</summary>
    /// <exception cref="InvalidDataException">A value is missing or does not fit the others.</exception>
    /// <exception cref="NotSupportedException">The values ask for a component that is not supported.</exception>
    public static (TokenizerFile File, SpecialTokenNames Names) Read(GgufMetadata metadata)
    {
        const string ModelKey = Prefix + "model";
        string model = metadata.Text(ModelKey);
        if (model is not ("gpt2" or "llama"))
            throw metadata.Unsupported(ModelKey, $"is '{model}', which is not supported; use a file whose tokenizer is gpt2 or llama");
        GgufTokenizer tokenizer = new(metadata);
        return (model == "gpt2" ? tokenizer.ReadByteLevel() : tokenizer.ReadSentencePiece(), tokenizer.ReadNames());
    }

    private TokenizerFile ReadByteLevel()
    {
        const string Key = Prefix + "pre";
        string name = _metadata.Text(Key);
        GgufPreTokenizer pre = GgufPreTokenizer.Named(name)
            ?? throw _metadata.Unsupported(Key, $"is '{name}', which is not supported; supported are {GgufPreTokenizer.Names}");
        bool addsSpace = _metadata.Flag(Prefix + "add_space_prefix", missing: false);
        return new TokenizerFile(
            new BpeModel(_vocabulary, ReadMerges(), new BpeOptions { IgnoreMerges = pre.IgnoresMerges }),
            pre.Normalizer,
            new SequencePreTokenizer([.. pre.Splits, new ByteLevelPreTokenizer(addsSpace, pre.SplitsWords)]),
            ReadTemplates(pre.AddsBos),
            new ByteLevelDecoder(),
            ReadAddedTokens());
    }

    private TokenizerFile ReadSentencePiece()
    {
        if (_metadata.Has(Prefix + "precompiled_charsmap"))
            throw _metadata.Unsupported(Prefix + "precompiled_charsmap", "asks for a normalizer that is not supported for the model llama");
        BpeOptions options = new() { UnknownId = TokenId("unknown_token_id"), FuseUnknown = true, ByteFallback = true };
        BpeMerges merges = _metadata.Has(Prefix + "merges") ? ReadMerges() : MergesByScore();
        bool addsSpace = _metadata.Flag(Prefix + "add_space_prefix", missing: true);
        INormalizer spaces = new ReplaceNormalizer(TextPattern.FromLiteral(" "), VisibleSpace);
        ITokenDecoder[] decoders = [new ReplaceDecoder(TextPattern.FromLiteral(VisibleSpace), " "), new ByteFallbackDecoder(), new FuseDecoder()];
        return new TokenizerFile(
            new BpeModel(_vocabulary, merges, options),
            addsSpace ? new SequenceNormalizer([new PrependNormalizer(VisibleSpace), spaces]) : spaces,
            new SequencePreTokenizer([]),
            ReadTemplates(addsBos: true),
            new SequenceDecoder(addsSpace ? [.. decoders, new StripDecoder(" ", start: 1, stop: 0)] : decoders),
            ReadAddedTokens());
    }

    private BpeMerges ReadMerges()
    {
        const string Key = Prefix + "merges";
        BpeMerges merges = new();
        foreach (string merge in _metadata.Texts(Key))
        {
            if (merge.Split(' ') is not [string left, string right])
                throw _metadata.Invalid(Key, $"has the merge '{merge}', which is not a pair of tokens");
            merges.Add(Find(left), Find(right), Find(left + right));
        }
        return merges;

        int Find(string token) =>
            _vocabulary.Find(token) ?? throw _metadata.Invalid(Key, $"names the token '{token}', which '{Prefix}tokens' lacks");
    }

    /// <summary>SentencePiece merges whatever gives the token with the highest score; every split of a token is a way to it.</summary>
    private BpeMerges MergesByScore()
    {
        float[] scores = SameLength(_metadata.Numbers(Prefix + "scores"), "scores");
        List<(int Left, int Right, int Merged, int LeftLength)> found = [];
        foreach ((int id, string token) in _tokens.Index().Where(entry => IsOf(entry.Index, TokenType.Normal)))
        {
            for (int length = 1; length < token.Length; length++)
            {
                if (_vocabulary.Find(token.AsSpan(0, length)) is int left && _vocabulary.Find(token.AsSpan(length)) is int right)
                    found.Add((left, right, id, length));
            }
        }
        BpeMerges merges = new();
        foreach ((int left, int right, int merged, _) in found.OrderByDescending(merge => scores[merge.Merged]).ThenByDescending(merge => merge.LeftLength))
            merges.Add(left, right, merged);
        return merges;
    }

    private List<AddedToken> ReadAddedTokens() =>
    [
        .. _tokens.Index()
            .Where(entry => IsOf(entry.Index, TokenType.Unknown, TokenType.Control, TokenType.UserDefined))
            .Select(entry => new AddedToken(
                entry.Index, entry.Item, SingleWord: false, StripLeft: false, StripRight: TakesSpaces(entry.Item), Normalized: false,
                Special: !IsOf(entry.Index, TokenType.UserDefined))),
    ];

    /// <summary>Phi-3's tokens take the white space behind them, all but three; its files do not say so.</summary>
    private bool TakesSpaces(string token) => token is not ("<unk>" or "<s>" or "<|endoftext|>")
        && _metadata.Has("general.architecture") && _metadata.Text("general.architecture") == "phi3" && _metadata.Text(Prefix + "model") == "llama";

    private PostProcessor ReadTemplates(bool addsBos)
    {
        TemplatePiece[] first = [.. Special("add_bos_token", addsBos, "bos_token_id", 0), TemplatePiece.Text(0, 0), .. Special("add_eos_token", false, "eos_token_id", 0)];
        TemplatePiece[] second = [.. Special("add_bos_token", addsBos, "bos_token_id", 1), TemplatePiece.Text(1, 1), .. Special("add_eos_token", false, "eos_token_id", 1)];
        return new PostProcessor { Single = first, Pair = [.. first, .. second] };
    }

    private TemplatePiece[] Special(string flag, bool missing, string key, int typeId)
    {
        if (!_metadata.Flag(Prefix + flag, missing))
            return [];
        int id = TokenId(key) ?? throw _metadata.Invalid(Prefix + key, "is missing, though the token is to be added to every text");
        return [TemplatePiece.Special(typeId, id)];
    }

    private SpecialTokenNames ReadNames()
    {
        string lengthKey = (_metadata.Has("general.architecture") ? _metadata.Text("general.architecture") : "") + ".context_length";
        return new SpecialTokenNames(
            from role in Roles
            let id = TokenId(role.Key)
            where id is not null
            select KeyValuePair.Create(role.Role, _tokens[id.Value]),
            _metadata.Count(lengthKey));
    }

    private int? TokenId(string key)
    {
        int? id = _metadata.Count(Prefix + key);
        return id is null || id < _tokens.Length
            ? id
            : throw _metadata.Invalid(Prefix + key, $"is {id}, but there are only {_tokens.Length} tokens");
    }

    private bool IsOf(int id, params ReadOnlySpan<TokenType> types) => types.Contains((TokenType)_types[id]);

    private T[] SameLength<T>(T[] values, string key) => values.Length == _tokens.Length
        ? values
        : throw _metadata.Invalid(Prefix + key, $"has {values.Length} entries for {_tokens.Length} tokens");
}
