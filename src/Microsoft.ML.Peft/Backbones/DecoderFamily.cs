namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// A family of decoders: how its `config.json` reads and what its tensors are called. Adding a family means adding one such
/// record (see Families/).
/// </summary>
internal sealed record DecoderFamily : ModelFamily
{
    public required DecoderWeightNames Names { get; init; }

    public override HeadLayout Head { get; init; } = HeadLayout.Decoder;

    public required Func<ConfigFile, DecoderConfiguration> Configure { get; init; }

    public override ModelPlan Plan(ConfigFile config)
    {
        var configuration = Configure(config);
        foreach (var rotary in new[] { configuration.Rotary, configuration.LocalRotary }.OfType<RotaryConfiguration>())
        {
            int size = rotary.SizeIn(configuration.HeadSize);
            if (size < 2 || int.IsOddInteger(size) || size > configuration.HeadSize)
                throw new InvalidDataException($"'{config.Path}': rotary positions turn {size} of a head's {configuration.HeadSize} dimensions; that must be an even number from 2 on.");
        }
        return new ModelPlan(configuration, (checkpoint, type, device) => new Decoder(configuration, DecoderWeights.Load(checkpoint, this, configuration, type, device)));
    }
}

/// <summary>How a file lays out the projections to queries, keys and values.</summary>
internal enum QueryKeyValueLayout
{
    /// <summary>Three matrices.</summary>
    Separate,

    /// <summary>One matrix `[(H + 2·KV)·d, D]`: all queries, all keys, all values.</summary>
    Fused,

    /// <summary>One matrix `[H·3·d, D]`: each head's query, key and value together.</summary>
    PerHead,
}

/// <summary>Tensor names without `.weight` and `.bias`; `{0}` stands for the layer's number. The defaults are Llama's.</summary>
internal sealed record DecoderWeightNames
{
    public string WordEmbeddings { get; init; } = "embed_tokens";
    public string? PositionEmbeddings { get; init; }
    public string ProjectIn { get; init; } = "";
    public string ProjectOut { get; init; } = "";
    public string? FinalNorm { get; init; } = "norm";

    /// <summary>The output layer where it is not tied to the embeddings; never prefixed.</summary>
    public string Head { get; init; } = "lm_head";

    public QueryKeyValueLayout Layout { get; init; }

    /// <summary>Matrices are stored `[in, out]` (GPT-2).</summary>
    public bool Transposed { get; init; }

    public string Query { get; init; } = "layers.{0}.self_attn.q_proj";
    public string Key { get; init; } = "layers.{0}.self_attn.k_proj";
    public string Value { get; init; } = "layers.{0}.self_attn.v_proj";
    public string QueryKeyValue { get; init; } = "";
    public string QueryNorm { get; init; } = "layers.{0}.self_attn.q_norm";
    public string KeyNorm { get; init; } = "layers.{0}.self_attn.k_norm";
    public string AttentionOutput { get; init; } = "layers.{0}.self_attn.o_proj";
    public string InputNorm { get; init; } = "layers.{0}.input_layernorm";
    public string MlpNorm { get; init; } = "layers.{0}.post_attention_layernorm";
    public string PostAttentionNorm { get; init; } = "layers.{0}.post_attention_layernorm";
    public string PostMlpNorm { get; init; } = "layers.{0}.post_feedforward_layernorm";
    public string Gate { get; init; } = "layers.{0}.mlp.gate_proj";
    public string Up { get; init; } = "layers.{0}.mlp.up_proj";
    public string Down { get; init; } = "layers.{0}.mlp.down_proj";

    /// <summary>Gate and up in one matrix `[2·I, D]`; empty where they are two.</summary>
    public string GateUp { get; init; } = "";
}
