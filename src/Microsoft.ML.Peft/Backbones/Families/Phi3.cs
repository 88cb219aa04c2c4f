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
        Configure = Llama.Configure,
    };
}
