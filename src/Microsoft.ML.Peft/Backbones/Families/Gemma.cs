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
        bool third = config.Text("model_type") == "gemma3_text";
        var llama = Llama.Configure(config, keyValueHeads: 4, headSize: 256, rotary: RotaryReader.Read(config, "full_attention", third ? 1_000_000 : 10_000));
        if (config.Flag("use_bidirectional_attention"))
            throw new NotSupportedException($"'{config.Path}' asks for bidirectional attention; this architecture is supported as a decoder only.");
        return llama with
        {
            Activation = config.Activation("hidden_activation", "gelu_pytorch_tanh"),
            NormAddsOne = true,
            PostNorms = true,
            QueryKeyNorm = third,
            LocalRotary = third ? Local(config) : null,
            SlidingWindow = Llama.Window(config, 4096),
            SlidingLayers = Llama.SlidingLayers(config, llama.Layers),
            SlidingPeriod = third ? Period(config) : 2,
            AttentionScale = 1 / Math.Sqrt(config.Positive("query_pre_attn_scalar", 256)),
            AttentionSoftcap = Softcap(config, "attn_logit_softcapping", third ? null : 50),
            LogitSoftcap = Softcap(config, "final_logit_softcapping", third ? null : 30),
            EmbeddingScale = Math.Sqrt(llama.HiddenSize),
            Biases = Llama.AttentionBiases(config),
            TiedHead = config.Flag("tie_word_embeddings", fallback: true),
        };
    }

    private static int Period(ConfigFile config) => config.IntegerOrNull("sliding_window_pattern") ?? config.Integer("_sliding_window_pattern", 6);

    private static double? Softcap(ConfigFile config, string key, double? usual) => config.States(key) ? config.PositiveOrNull(key) : usual;

    private static RotaryConfiguration Local(ConfigFile config) => config.ObjectOrNull("rope_parameters") is not null
        ? RotaryReader.Read(config, "sliding_attention")
        : new RotaryConfiguration { Theta = config.Positive("rope_local_base_freq", 10000) };
}
