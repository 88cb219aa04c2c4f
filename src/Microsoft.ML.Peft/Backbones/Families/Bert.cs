namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>BERT (Devlin et al. 2018) and sentence encoders built on it.</summary>
internal static class Bert
{
    public static EncoderFamily Family { get; } = new()
    {
        ModelTypes = ["bert"],
        Prefix = "bert.",
        Names = new EncoderWeightNames(),
        Head = new HeadLayout("classifier", UsesPooler: true),
        Configure = Configure,
    };

    /// <summary>The keys that BERT, RoBERTa and ELECTRA share.</summary>
    public static EncoderConfiguration Configure(ConfigFile config)
    {
        if (config.TextOrNull("position_embedding_type") is { } positions and not "absolute")
            throw new NotSupportedException($"'{config.Path}' asks for '{positions}' position embeddings; only 'absolute' ones are supported.");
        if (config.Flag("is_decoder") || config.Flag("add_cross_attention"))
            throw new NotSupportedException($"'{config.Path}' describes a decoder (is_decoder or add_cross_attention is true); this architecture is supported as an encoder only.");
        int hiddenSize = config.Integer("hidden_size");
        return new EncoderConfiguration
        {
            ModelType = config.Text("model_type"),
            VocabularySize = config.Integer("vocab_size"),
            HiddenSize = hiddenSize,
            EmbeddingSize = hiddenSize,
            Layers = config.Integer("num_hidden_layers"),
            Heads = config.Integer("num_attention_heads"),
            MaxPositions = config.Integer("max_position_embeddings"),
            IntermediateSize = config.Integer("intermediate_size"),
            Activation = config.Activation("hidden_act", "gelu"),
            LayerNormEpsilon = config.Positive("layer_norm_eps", 1e-12),
            TokenTypes = config.Integer("type_vocab_size", 2),
            PaddingId = config.Integer("pad_token_id", 0, minimum: 0),
        };
    }
}
