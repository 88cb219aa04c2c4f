namespace Microsoft.ML.Peft.Methods;

/// <summary>Which soft prompt is trained. <see cref="VirtualTokens"/> is its length P.</summary>
internal abstract record MethodSettings(int VirtualTokens);

internal sealed record PromptTuningSettings(int VirtualTokens) : MethodSettings(VirtualTokens)
{
    public PromptInitialization Initialization { get; init; } = PromptInitialization.Text;
    public string? InitializationText { get; init; }
    public double InitializationRange { get; init; } = 0.5;
}

internal sealed record PrefixTuningSettings(int VirtualTokens) : MethodSettings(VirtualTokens)
{
    public PrefixInitialization Initialization { get; init; } = PrefixInitialization.Text;
    public string? InitializationText { get; init; }
    public bool Projection { get; init; }
    public int? ProjectionHiddenSize { get; init; }
}

internal sealed record PTuningSettings(int VirtualTokens) : MethodSettings(VirtualTokens)
{
    public PromptEncoder Encoder { get; init; } = PromptEncoder.Mlp;
    public int? EncoderHiddenSize { get; init; }
    public int EncoderLayers { get; init; } = 2;
    public double EncoderDropout { get; init; }
    public string? InitializationText { get; init; }
}
