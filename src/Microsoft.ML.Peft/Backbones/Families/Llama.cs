namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>
/// Llama (Touvron et al. 2023) and the families built like it: Mistral with a sliding window, Qwen 2 with biases on queries, keys and
/// values, Qwen 3 with normalised queries and keys.
/// </summary>
internal static class Llama
{
    public static DecoderFamily Family { get; } = new()
    {
        ModelTypes = ["llama", "mistral", "qwen2", "qwen3"],
        Prefix = "model.",
        Names = new DecoderWeightNames(),
        Configure = config => Configure(config) with { QueryKeyNorm = config.Text("model_type") == "qwen3" },
    };

    /// <summary>The keys that Llama's relatives share.</summary>
    public static DecoderConfiguration Configure(ConfigFile config)
    {
        int layers = config.Integer("num_hidden_layers"), hidden = config.Integer("hidden_size"), heads = config.Integer("num_attention_heads");
        return new DecoderConfiguration
        {
            ModelType = config.Text("model_type"),
            VocabularySize = config.Integer("vocab_size"),
            HiddenSize = hidden,
            EmbeddingSize = hidden,
            Layers = layers,
            Heads = heads,
            KeyValueHeads = config.Integer("num_key_value_heads", heads),
            HeadSize = config.Integer("head_dim", Math.Max(1, hidden / heads)),
            MaxPositions = config.Integer("max_position_embeddings"),
            IntermediateSize = config.Integer("intermediate_size"),
            Activation = config.Activation(config.TextOrNull("hidden_activation") is null ? "hidden_act" : "hidden_activation", "silu"),
            GatedMlp = true,
            RmsNorm = true,
            NormEpsilon = config.Positive("rms_norm_eps", 1e-6),
            Rotary = RotaryReader.Read(config),
            SlidingWindow = Window(config),
            SlidingLayers = config.TextsOrNull("layer_types", layers)?.Select(type => type == "sliding_attention").ToList(),
            TiedHead = config.Flag("tie_word_embeddings"),
        };
    }

    /// <summary>Qwen's files name a window that they do not use.</summary>
    private static int? Window(ConfigFile config) =>
        config.Flag("use_sliding_window", fallback: true) && config.IntegerOrNull("sliding_window") is { } window ? window : null;
}
