namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>T5 (Raffel et al. 2020), T5 1.1 and Flan-T5 with a gated feed-forward and an output layer of their own, and mT5 (Xue et al. 2021).</summary>
internal static class T5
{
    private const string Gated = "gated-";

    public static EncoderDecoderFamily Family { get; } = new()
    {
        ModelTypes = ["t5", "mt5"],
        Prefix = "",
        Names = new EncoderDecoderWeightNames(),
        Configure = Configure,
    };

    private static EncoderDecoderConfiguration Configure(ConfigFile config)
    {
        if (!config.Flag("is_encoder_decoder", fallback: true))
            throw new NotSupportedException($"'{config.Path}' describes an encoder alone (is_encoder_decoder is false); T5 is supported as a whole, for SEQ_2_SEQ_LM.");
        string type = config.Text("model_type");
        int encoderLayers = config.Integer("num_layers"), heads = config.Integer("num_heads"), padding = config.Integer("pad_token_id", 0, minimum: 0);
        int vocabulary = config.Integer("vocab_size"), start = config.Integer("decoder_start_token_id", padding, minimum: 0);
        if (start >= vocabulary || padding >= vocabulary)
            throw new InvalidDataException($"'{config.Path}': decoder_start_token_id {start} or pad_token_id {padding} is outside the vocabulary of {vocabulary}.");
        string projection = config.TextOrNull("feed_forward_proj") ?? (type == "mt5" ? "gated-gelu" : "relu");
        bool gated = projection.StartsWith(Gated, StringComparison.Ordinal);
        var (buckets, distance) = RelativePositions(config);
        return new EncoderDecoderConfiguration
        {
            ModelType = type,
            VocabularySize = vocabulary,
            HiddenSize = config.Integer("d_model"),
            EmbeddingSize = config.Integer("d_model"),
            EncoderLayers = encoderLayers,
            Layers = config.Integer("num_decoder_layers", encoderLayers),
            Heads = heads,
            HeadSize = config.Integer("d_kv"),
            MaxPositions = int.MaxValue,
            IntermediateSize = config.Integer("d_ff"),
            // By 'gated-gelu' T5 means the approximation with tanh.
            Activation = config.Activation("dense_act_fn", projection == "gated-gelu" ? "gelu_new" : gated ? projection[Gated.Length..] : projection),
            GatedMlp = config.Flag("is_gated_act", gated),
            NormEpsilon = config.Positive("layer_norm_epsilon", 1e-6),
            RelativeBuckets = buckets,
            RelativeMaxDistance = distance,
            // T5 1.1 said by tie_word_embeddings that its outputs are not scaled; newer files say it outright. mT5 never scales.
            ScaleOutputs = config.Flag("scale_decoder_outputs", type != "mt5" && config.Flag("tie_word_embeddings", fallback: true)),
            StartId = start,
            PaddingId = padding,
        };
    }

    private static (int Buckets, int Distance) RelativePositions(ConfigFile config)
    {
        int buckets = config.Integer("relative_attention_num_buckets", 32, minimum: 4), distance = config.Integer("relative_attention_max_distance", 128);
        // The nearer half of the buckets stands for single distances, the rest for growing ranges behind them.
        return distance > buckets / 2 ? (buckets, distance) : throw new InvalidDataException(
            $"'{config.Path}': relative_attention_max_distance is {distance}, but half of the {buckets} buckets alone reach to {buckets / 2}; it must be larger.");
    }
}
