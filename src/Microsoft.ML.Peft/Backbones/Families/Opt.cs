namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>OPT (Zhang et al. 2022): learned positions that start at row 2 of their table.</summary>
internal static class Opt
{
    public static DecoderFamily Family { get; } = new()
    {
        ModelTypes = ["opt"],
        Prefix = "model.",
        Names = new DecoderWeightNames
        {
            WordEmbeddings = "decoder.embed_tokens",
            PositionEmbeddings = "decoder.embed_positions",
            ProjectIn = "decoder.project_in",
            ProjectOut = "decoder.project_out",
            FinalNorm = "decoder.final_layer_norm",
            Query = "decoder.layers.{0}.self_attn.q_proj",
            Key = "decoder.layers.{0}.self_attn.k_proj",
            Value = "decoder.layers.{0}.self_attn.v_proj",
            AttentionOutput = "decoder.layers.{0}.self_attn.out_proj",
            InputNorm = "decoder.layers.{0}.self_attn_layer_norm",
            MlpNorm = "decoder.layers.{0}.final_layer_norm",
            Up = "decoder.layers.{0}.fc1",
            Down = "decoder.layers.{0}.fc2",
        },
        Configure = Configure,
    };

    private static DecoderConfiguration Configure(ConfigFile config)
    {
        if (!config.Flag("do_layer_norm_before", fallback: true) || config.Flag("_remove_final_layer_norm"))
            throw new NotSupportedException($"'{config.Path}' asks for normalisation behind the layers or none at all (do_layer_norm_before, _remove_final_layer_norm), which is not supported for OPT.");
        if (!config.Flag("layer_norm_elementwise_affine", fallback: true))
            throw new NotSupportedException($"'{config.Path}' asks for norms without weights (layer_norm_elementwise_affine is false), which is not supported for OPT.");
        int hidden = config.Integer("hidden_size");
        return new DecoderConfiguration
        {
            ModelType = config.Text("model_type"),
            VocabularySize = config.Integer("vocab_size"),
            HiddenSize = hidden,
            EmbeddingSize = config.Integer("word_embed_proj_dim", hidden),
            Layers = config.Integer("num_hidden_layers"),
            Heads = config.Integer("num_attention_heads"),
            MaxPositions = config.Integer("max_position_embeddings"),
            IntermediateSize = config.Integer("ffn_dim"),
            Activation = config.Activation("activation_function", "relu"),
            GatedMlp = false,
            RmsNorm = false,
            NormEpsilon = 1e-5,
            FirstPosition = 2,
            Biases = config.Flag("enable_bias", fallback: true) ? DecoderBiases.All : DecoderBiases.None,
            TiedHead = config.Flag("tie_word_embeddings", fallback: true),
        };
    }
}
