namespace Microsoft.ML.Peft.Backbones;

/// <summary>What tells one autoregressive decoder from another.</summary>
internal sealed record DecoderConfiguration : ModelConfiguration
{
    public required Activation Activation { get; init; }

    /// <summary>act(W₁ x) ∘ W₂ x instead of act(W₁ x) between the two feed-forward layers (Shazeer 2020).</summary>
    public required bool GatedMlp { get; init; }

    /// <summary>Root mean square normalisation instead of layer normalisation (Zhang and Sennrich 2019).</summary>
    public required bool RmsNorm { get; init; }

    public required double NormEpsilon { get; init; }

    /// <summary>Norms multiply by 1 + w (Gemma).</summary>
    public bool NormAddsOne { get; init; }

    /// <summary>Attention and feed-forward both read the layer's input (GPT-J, GPT-NeoX).</summary>
    public bool ParallelResidual { get; init; }

    /// <summary>Further norms behind attention and feed-forward (Gemma 2 and 3).</summary>
    public bool PostNorms { get; init; }

    /// <summary>Queries and keys are normalised per head (Qwen3, Gemma 3).</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>Rotary positions; null where the positions are learned.</summary>
    public RotaryConfiguration? Rotary { get; init; }

    /// <summary>Other rotary positions in the layers with a sliding window (Gemma 3); null for the same.</summary>
    public RotaryConfiguration? LocalRotary { get; init; }

    /// <summary>The row of a learned position table that belongs to the first token (OPT: 2).</summary>
    public int FirstPosition { get; init; }

    /// <summary>How many keys a query sees in layers with a sliding window, itself included; null for all.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Which layers have the sliding window, where this is listed.</summary>
    public IReadOnlyList<bool>? SlidingLayers { get; init; }

    /// <summary>Where it is not listed: the first layer with the window (Qwen).</summary>
    public int FirstSlidingLayer { get; init; }

    /// <summary>Where it is not listed: the last layer of each period has no window (Gemma); null for no such layers.</summary>
    public int? SlidingPeriod { get; init; }

    /// <summary>The factor on query·key; null for 1/√d.</summary>
    public double? AttentionScale { get; init; }

    /// <summary>Attention scores go through c·tanh(x/c) (Gemma 2).</summary>
    public double? AttentionSoftcap { get; init; }

    /// <summary>Logits go through c·tanh(x/c) (Gemma 2).</summary>
    public double? LogitSoftcap { get; init; }

    /// <summary>The factor on token embeddings, virtual tokens left out (Gemma: √D).</summary>
    public double EmbeddingScale { get; init; } = 1;

    /// <summary>Which linear layers have biases.</summary>
    public required DecoderBiases Biases { get; init; }

    /// <summary>The output layer is the token embeddings.</summary>
    public required bool TiedHead { get; init; }

    public bool IsSliding(int layer) => SlidingWindow is not null
        && (SlidingLayers?[layer] ?? (layer >= FirstSlidingLayer && (SlidingPeriod is not { } period || (layer + 1) % period != 0)));
}

/// <summary>The linear layers of a decoder that have biases.</summary>
internal readonly record struct DecoderBiases(bool QueryKeyValue, bool AttentionOutput, bool Mlp)
{
    public static DecoderBiases None => default;

    public static DecoderBiases All => new(QueryKeyValue: true, AttentionOutput: true, Mlp: true);
}

/// <summary>How rotary angles grow with the position (Su et al. 2021), and how they are stretched over longer texts.</summary>
internal sealed record RotaryConfiguration
{
    public required double Theta { get; init; }

    /// <summary>The part of each head that is rotated.</summary>
    public double PartialFactor { get; init; } = 1;

    /// <summary>How many dimensions of each head are rotated, where this is stated instead of <see cref="PartialFactor"/>.</summary>
    public int? Dimensions { get; init; }

    /// <summary>What each pair's frequency is divided by `[R/2]`; null for nothing (GGUF files state Llama 3.1's scaling so).</summary>
    public IReadOnlyList<float>? Divisors { get; init; }

    public RotaryScaling Scaling { get; init; } = RotaryScaling.None;

    public double Factor { get; init; } = 1;

    public double LowFrequencyFactor { get; init; } = 1;

    public double HighFrequencyFactor { get; init; } = 4;

    public int OriginalMaxPositions { get; init; }

    public double BetaFast { get; init; } = 32;

    public double BetaSlow { get; init; } = 1;

    /// <summary>YaRN's bounds between kept and stretched dimensions are whole numbers.</summary>
    public bool WholeDimensions { get; init; } = true;

    /// <summary>YaRN's factor on cosines and sines; null for the paper's.</summary>
    public double? AttentionFactor { get; init; }

    /// <summary>The number R of rotated dimensions, the first of each head.</summary>
    public int SizeIn(int headSize) => Dimensions ?? (int)(headSize * PartialFactor);
}

internal enum RotaryScaling
{
    None,
    Linear,
    Llama3,
    Yarn,
}
