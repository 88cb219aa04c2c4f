namespace Microsoft.ML.Peft.Backbones;

/// <summary>What tells one bidirectional encoder of the BERT family from another.</summary>
internal sealed record EncoderConfiguration : ModelConfiguration
{
    public required Activation Activation { get; init; }

    public required double LayerNormEpsilon { get; init; }

    /// <summary>0 where the model knows no token types.</summary>
    public required int TokenTypes { get; init; }

    /// <summary>The row of the position table that belongs to the first token: RoBERTa's tables start behind the padding index.</summary>
    public int FirstPosition { get; init; }

    /// <summary>Whether padding takes no position (RoBERTa), so that text after left padding starts at the first position.</summary>
    public bool PositionsSkipPadding { get; init; }

    public required int PaddingId { get; init; }
}
