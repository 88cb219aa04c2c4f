namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// A family of encoder–decoders: how its `config.json` reads and what its tensors are called. Adding a family means adding one
/// such record (see Families/).
/// </summary>
internal sealed record EncoderDecoderFamily : ModelFamily
{
    public required EncoderDecoderWeightNames Names { get; init; }

    public required Func<ConfigFile, EncoderDecoderConfiguration> Configure { get; init; }

    /// <summary>Never used: an encoder–decoder writes, it does not classify.</summary>
    public override HeadLayout Head { get; init; } = HeadLayout.Linear;

    public override ModelPlan Plan(ConfigFile config)
    {
        var configuration = Configure(config);
        return new ModelPlan(
            configuration, (checkpoint, type, device) => new EncoderDecoder(configuration, EncoderDecoderWeights.Load(checkpoint, this, configuration, type, device)));
    }
}

/// <summary>Tensor names without `.weight`; `{0}` stands for the layer's number. The defaults are T5's.</summary>
internal sealed record EncoderDecoderWeightNames
{
    /// <summary>One table under any of these names.</summary>
    public string[] WordEmbeddings { get; init; } = ["shared", "decoder.embed_tokens", "encoder.embed_tokens"];

    /// <summary>The output layer; where there is none, the token embeddings serve.</summary>
    public string Head { get; init; } = "lm_head";

    public StackWeightNames Encoder { get; init; } = new("encoder.", MlpLayer: "block.{0}.layer.1.");

    public StackWeightNames Decoder { get; init; } = new("decoder.", MlpLayer: "block.{0}.layer.2.");
}

/// <summary>The tensor names of the encoder or the decoder. A layer has two or three sublayers with a norm each.</summary>
/// <param name="Prefix">Stands before all of them.</param>
/// <param name="MlpLayer">The feed-forward sublayer.</param>
internal sealed record StackWeightNames(string Prefix, string MlpLayer)
{
    public string FinalNorm { get; init; } = "final_layer_norm";
    public string RelativeBias { get; init; } = "block.0.layer.0.SelfAttention.relative_attention_bias";
    public string SelfAttentionLayer { get; init; } = "block.{0}.layer.0.";
    public string CrossAttentionLayer { get; init; } = "block.{0}.layer.1.";
    public string Norm { get; init; } = "layer_norm";
    public string SelfAttention { get; init; } = "SelfAttention.";
    public string CrossAttention { get; init; } = "EncDecAttention.";
    public string Query { get; init; } = "q";
    public string Key { get; init; } = "k";
    public string Value { get; init; } = "v";
    public string AttentionOutput { get; init; } = "o";
    public string Up { get; init; } = "DenseReluDense.wi";
    public string Gate { get; init; } = "DenseReluDense.wi_0";
    public string GatedUp { get; init; } = "DenseReluDense.wi_1";
    public string Down { get; init; } = "DenseReluDense.wo";
}
