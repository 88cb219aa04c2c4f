namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>DistilBERT (Sanh et al. 2019): BERT without token types and pooler, under other names.</summary>
internal static class DistilBert
{
    public static EncoderFamily Family { get; } = new()
    {
        ModelTypes = ["distilbert"],
        Prefix = "distilbert.",
        Names = new EncoderWeightNames
        {
            Query = "transformer.layer.{0}.attention.q_lin",
            Key = "transformer.layer.{0}.attention.k_lin",
            Value = "transformer.layer.{0}.attention.v_lin",
            AttentionOutput = "transformer.layer.{0}.attention.out_lin",
            AttentionNorm = "transformer.layer.{0}.sa_layer_norm",
            Intermediate = "transformer.layer.{0}.ffn.lin1",
            Output = "transformer.layer.{0}.ffn.lin2",
            OutputNorm = "transformer.layer.{0}.output_layer_norm",
        },
        Head = new HeadLayout("classifier", Dense: "pre_classifier", DenseActivation: Activation.Relu),
        Configure = Configure,
    };

    private static EncoderConfiguration Configure(ConfigFile config) => new()
    {
        ModelType = config.Text("model_type"),
        VocabularySize = config.Integer("vocab_size"),
        HiddenSize = config.Integer("dim"),
        EmbeddingSize = config.Integer("dim"),
        Layers = config.Integer("n_layers"),
        Heads = config.Integer("n_heads"),
        MaxPositions = config.Integer("max_position_embeddings"),
        IntermediateSize = config.Integer("hidden_dim"),
        Activation = config.Activation("activation", "gelu"),
        LayerNormEpsilon = 1e-12,
        TokenTypes = 0,
        PaddingId = config.Integer("pad_token_id", 0, minimum: 0),
    };
}
