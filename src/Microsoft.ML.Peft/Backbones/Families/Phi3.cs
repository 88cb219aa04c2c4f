namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>Phi-3 (Abdin et al. 2024): Llama with fused projections.</summary>
internal static class Phi3
{
    public static DecoderFamily Family { get; } = new()
    {
        ModelTypes = ["phi3"],
        Prefix = "model.",
        Names = new DecoderWeightNames
        {
            Layout = QueryKeyValueLayout.Fused,
            QueryKeyValue = "layers.{0}.self_attn.qkv_proj",
            GateUp = "layers.{0}.mlp.gate_up_proj",
        },
        Configure = Configure,
    };

    private static DecoderConfiguration Configure(ConfigFile config)
    {
        var rotary = RotaryReader.Read(config, partialKey: "partial_rotary_factor");
        // Phi-3 knows one scaling, which its files also call by other names.
        if (rotary.Scaling != RotaryScaling.None)
            throw new NotSupportedException($"'{config.Path}' asks for rotary scaling, which for Phi-3 is 'longrope'; that is not supported.");
        return Llama.Configure(config, epsilon: 1e-5, rotary: rotary) with { SlidingWindow = config.IntegerOrNull("sliding_window") };
    }
}
