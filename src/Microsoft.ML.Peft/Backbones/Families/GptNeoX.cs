namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>GPT-NeoX (Black et al. 2022) and Pythia: attention and feed-forward side by side, part of each head rotated.</summary>
internal static class GptNeoX
{
    public static DecoderFamily Family { get; } = new()
    {
        ModelTypes = ["gpt_neox"],
        Prefix = "gpt_neox.",
        Names = new DecoderWeightNames
        {
            WordEmbeddings = "embed_in",
            FinalNorm = "final_layer_norm",
            Head = "embed_out",
            Layout = QueryKeyValueLayout.PerHead,
            QueryKeyValue = "layers.{0}.attention.query_key_value",
            AttentionOutput = "layers.{0}.attention.dense",
            Up = "layers.{0}.mlp.dense_h_to_4h",
            Down = "layers.{0}.mlp.dense_4h_to_h",
        },
        Configure = Configure,
    };

    private static DecoderConfiguration Configure(ConfigFile config)
    {
        int hidden = config.Integer("hidden_size");
        bool bias = config.Flag("attention_bias", fallback: true);
        return new DecoderConfiguration
        {
            ModelType = config.Text("model_type"),
            VocabularySize = config.Integer("vocab_size"),
            HiddenSize = hidden,
            EmbeddingSize = hidden,
            Layers = config.Integer("num_hidden_layers"),
            Heads = config.Integer("num_attention_heads"),
            MaxPositions = config.Integer("max_position_embeddings"),
            IntermediateSize = config.Integer("intermediate_size"),
            Activation = config.Activation("hidden_act", "gelu"),
            GatedMlp = false,
            RmsNorm = false,
            NormEpsilon = config.Positive("layer_norm_eps", 1e-5),
            ParallelResidual = config.Flag("use_parallel_residual", fallback: true),
            Rotary = RotaryReader.Read(config, thetaKey: "rotary_emb_base", partialKey: "rotary_pct", partial: 0.25),
            Biases = new DecoderBiases(QueryKeyValue: bias, AttentionOutput: bias, Mlp: true),
            TiedHead = config.Flag("tie_word_embeddings"),
        };
    }
}
