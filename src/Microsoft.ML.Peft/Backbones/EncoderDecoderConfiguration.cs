namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// What tells one encoder–decoder from another. <see cref="ModelConfiguration.Layers"/> counts the decoder's layers, which a
/// prefix reaches; positions are relative, so that there is no last one.
/// </summary>
internal sealed record EncoderDecoderConfiguration : ModelConfiguration
{
    public required int EncoderLayers { get; init; }

    public required Activation Activation { get; init; }

    /// <summary>act(W₁ x) ∘ W₂ x instead of act(W₁ x) between the two feed-forward layers (Shazeer 2020).</summary>
    public required bool GatedMlp { get; init; }

    public required double NormEpsilon { get; init; }

    /// <summary>How many classes of distances between query and key have a bias of their own.</summary>
    public required int RelativeBuckets { get; init; }

    /// <summary>Distances from here on share one class.</summary>
    public required int RelativeMaxDistance { get; init; }

    /// <summary>The decoder's outputs are multiplied by D^-½ before the output layer (T5 1.0, whose output layer is the token embeddings).</summary>
    public required bool ScaleOutputs { get; init; }

    /// <summary>The token that every target begins with.</summary>
    public required int StartId { get; init; }

    public required int PaddingId { get; init; }
}
