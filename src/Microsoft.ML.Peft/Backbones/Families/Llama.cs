namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>
/// Llama (Touvron et al. 2023) and the families built like it: Mistral with a sliding window, Qwen 2 with biases on queries, keys and
/// values, Qwen 3 with normalised queries and keys. What a file leaves out is what transformers takes for it.
/// </summary>
internal static class Llama
{
    private const int UsualWindow = 4096;

    public static DecoderFamily Family { get; } = new()
    {
        ModelTypes = ["llama", "mistral", "qwen2", "qwen3"],
        Prefix = "model.",
        Names = new DecoderWeightNames(),
        Configure = config => config.Text("model_type") switch
        {
            "mistral" => Configure(config, keyValueHeads: 8) with { SlidingWindow = Window(config, UsualWindow) },
            "qwen2" => Qwen(config) with { Biases = new DecoderBiases(QueryKeyValue: true, AttentionOutput: false, Mlp: false) },
            "qwen3" => Qwen(config, headSize: 128) with { Biases = AttentionBiases(config), QueryKeyNorm = true },
            _ => Configure(config) with { Biases = AttentionBiases(config) with { Mlp = config.Flag("mlp_bias") } },
        },
    };

    /// <summary>The keys that Llama's relatives share.</summary>
    /// <param name="config">The file.</param>
    /// <param name="keyValueHeads">The key/value heads where the file does not name them; null for as many as heads.</param>
    /// <param name="headSize">The head size where the file does not name it; null for the hidden size over the heads.</param>
    /// <param name="epsilon">The norms' epsilon where the file does not name it.</param>
    /// <param name="rotary">The rotary positions; null for the usual ones.</param>
    public static DecoderConfiguration Configure(
        ConfigFile config, int? keyValueHeads = null, int? headSize = null, double epsilon = 1e-6, RotaryConfiguration? rotary = null)
    {
        int hidden = config.Integer("hidden_size"), heads = config.Integer("num_attention_heads");
        return new DecoderConfiguration
        {
            ModelType = config.Text("model_type"),
            VocabularySize = config.Integer("vocab_size"),
            HiddenSize = hidden,
            EmbeddingSize = hidden,
            Layers = config.Integer("num_hidden_layers"),
            Heads = heads,
            KeyValueHeads = config.Integer("num_key_value_heads", config.States("num_key_value_heads") ? heads : keyValueHeads ?? heads),
            HeadSize = config.Integer("head_dim", headSize ?? Math.Max(1, hidden / heads)),
            MaxPositions = config.Integer("max_position_embeddings"),
            IntermediateSize = config.Integer("intermediate_size"),
            Activation = config.Activation("hidden_act", "silu"),
            GatedMlp = true,
            RmsNorm = true,
            NormEpsilon = config.Positive("rms_norm_eps", epsilon),
            Rotary = rotary ?? RotaryReader.Read(config),
            Biases = DecoderBiases.None,
            TiedHead = config.Flag("tie_word_embeddings"),
        };
    }

    /// <summary>The layers that `layer_types` gives a sliding window; null where the file has no such list.</summary>
    public static IReadOnlyList<bool>? SlidingLayers(ConfigFile config, int layers)
    {
        var types = config.TextsOrNull("layer_types", layers);
        string? unknown = types?.FirstOrDefault(type => type is not ("full_attention" or "sliding_attention"));
        return unknown is null
            ? types?.Select(type => type == "sliding_attention").ToList()
            : throw new NotSupportedException($"'{config.Path}' asks for layers of the type '{unknown}'; supported are full_attention and sliding_attention.");
    }

    /// <summary>The sliding window; null where the file says null.</summary>
    public static int? Window(ConfigFile config, int usual) => config.States("sliding_window") ? config.IntegerOrNull("sliding_window") : usual;

    public static DecoderBiases AttentionBiases(ConfigFile config) =>
        new(QueryKeyValue: config.Flag("attention_bias"), AttentionOutput: config.Flag("attention_bias"), Mlp: false);

    /// <summary>Qwen's files name a window that they use only on demand, and only from one of the last layers on.</summary>
    private static DecoderConfiguration Qwen(ConfigFile config, int? headSize = null)
    {
        var llama = Configure(config, keyValueHeads: 32, headSize);
        return config.Flag("use_sliding_window")
            ? llama with
            {
                SlidingWindow = Window(config, UsualWindow),
                SlidingLayers = SlidingLayers(config, llama.Layers),
                FirstSlidingLayer = config.Integer("max_window_layers", 28, minimum: 0),
            }
            : llama;
    }
}
