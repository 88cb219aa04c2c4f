namespace Microsoft.ML.Peft.Tokenization.Models;

/// <summary>What a BPE model does besides merging.</summary>
internal sealed record BpeOptions
{
    /// <summary>The token for characters that are not in the vocabulary; null drops them.</summary>
    public int? UnknownId { get; init; }

    /// <summary>Written before every character but a word's first.</summary>
    public string? ContinuingPrefix { get; init; }

    /// <summary>Written behind a word's last character.</summary>
    public string? WordSuffix { get; init; }

    /// <summary>Whether adjacent unknown characters are one token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Whether an unknown character becomes the tokens of its UTF-8 bytes.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>Whether a piece that is a token as a whole is not merged from its characters.</summary>
    public bool IgnoreMerges { get; init; }
}
