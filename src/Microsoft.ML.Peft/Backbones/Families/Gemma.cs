namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>Gemma 2 (2024) and the text model of Gemma 3 (2025): windows in some layers, norms on both sides, scaled embeddings.</summary>
internal static class Gemma
{
    public static DecoderFamily Family { get; } = new()
    {
        ModelTypes = ["gemma2", "gemma3_text"],
        Prefix = "model.",
        Names = new DecoderWeightNames
        {
            PostAttentionNorm = "layers.{0}.post_attention_layernorm",
            MlpNorm = "layers.{0}.pre_feedforward_layernorm",
            PostMlpNorm = "layers.{0}.post_feedforward_layernorm",
        },
        Configure = Configure,
    };

    private static DecoderConfiguration Configure(ConfigFile config)
    {
        var llama = Llama.Configure(config);
        bool third = llama.ModelType == "gemma3_text";
        if (config.Flag("use_bidirectional_attention"))
            throw new NotSupportedException($"'{config.Path}' asks for bidirectional attention; this architecture is supported as a decoder only.");
        return llama with
        {
            NormAddsOne = true,
            PostNorms = true,
            QueryKeyNorm = third,
            Rotary = RotaryReader.Read(config, "full_attention"),
            LocalRotary = third ? Local(config) : null,
            SlidingLayers = llama.SlidingLayers ?? [.. Enumerable.Range(0, llama.Layers).Select(layer => third ? (layer + 1) % config.Integer("sliding_window_pattern", 6) != 0 : layer % 2 == 0)],
            AttentionScale = 1 / Math.Sqrt(config.Positive("query_pre_attn_scalar", 256)),
            AttentionSoftcap = config.PositiveOrNull("attn_logit_softcapping"),
            LogitSoftcap = config.PositiveOrNull("final_logit_softcapping"),
            EmbeddingScale = Math.Sqrt(llama.HiddenSize),
            TiedHead = config.Flag("tie_word_embeddings", fallback: true),
        };
    }

    private static RotaryConfiguration Local(ConfigFile config) => config.ObjectOrNull("rope_parameters") is not null
        ? RotaryReader.Read(config, "sliding_attention")
        : new RotaryConfiguration { Theta = config.Positive("rope_local_base_freq", 10000) };
}
