namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>GPT-2 (Radford et al. 2019). Its matrices are stored `[in, out]`.</summary>
internal static class Gpt2
{
    public static DecoderFamily Family { get; } = new()
    {
        ModelTypes = ["gpt2"],
        Prefix = "transformer.",
        Names = new DecoderWeightNames
        {
            WordEmbeddings = "wte",
            PositionEmbeddings = "wpe",
            FinalNorm = "ln_f",
            Layout = QueryKeyValueLayout.Fused,
            Transposed = true,
            QueryKeyValue = "h.{0}.attn.c_attn",
            AttentionOutput = "h.{0}.attn.c_proj",
            InputNorm = "h.{0}.ln_1",
            MlpNorm = "h.{0}.ln_2",
            Up = "h.{0}.mlp.c_fc",
            Down = "h.{0}.mlp.c_proj",
        },
        Configure = Configure,
    };

    private static DecoderConfiguration Configure(ConfigFile config)
    {
        int hidden = config.Integer("n_embd");
        if (config.Flag("scale_attn_by_inverse_layer_idx") || !config.Flag("scale_attn_weights", fallback: true))
            throw new NotSupportedException($"'{config.Path}' asks for another attention scale than 1/√d (scale_attn_by_inverse_layer_idx, scale_attn_weights), which is not supported for GPT-2.");
        if (config.Flag("reorder_and_upcast_attn") || config.Flag("add_cross_attention"))
            throw new NotSupportedException($"'{config.Path}' asks for another attention (reorder_and_upcast_attn or add_cross_attention), which is not supported for GPT-2.");
        return new DecoderConfiguration
        {
            ModelType = config.Text("model_type"),
            VocabularySize = config.Integer("vocab_size"),
            HiddenSize = hidden,
            EmbeddingSize = hidden,
            Layers = config.Integer("n_layer"),
            Heads = config.Integer("n_head"),
            MaxPositions = config.Integer("n_positions"),
            IntermediateSize = config.Integer("n_inner", 4 * hidden),
            Activation = config.Activation("activation_function", "gelu_new"),
            GatedMlp = false,
            RmsNorm = false,
            NormEpsilon = config.Positive("layer_norm_epsilon", 1e-5),
            Biases = DecoderBiases.All,
            TiedHead = config.Flag("tie_word_embeddings", fallback: true),
        };
    }
}
