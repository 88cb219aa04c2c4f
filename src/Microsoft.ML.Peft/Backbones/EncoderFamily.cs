namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// A family of encoders: how its `config.json` reads, what its tensors are called, and which head Hugging Face's
/// sequence classification puts on it. Adding a family means adding one such record (see Families/).
/// </summary>
internal sealed record EncoderFamily : ModelFamily
{
    public required EncoderWeightNames Names { get; init; }

    public required override HeadLayout Head { get; init; }

    public required Func<ConfigFile, EncoderConfiguration> Configure { get; init; }

    public override ModelPlan Plan(ConfigFile config)
    {
        var configuration = Configure(config);
        return new ModelPlan(configuration, (checkpoint, type, device) => new Encoder(configuration, EncoderWeights.Load(checkpoint, this, configuration, type, device)));
    }
}

/// <summary>Tensor names without `.weight` and `.bias`; `{0}` stands for the layer's number.</summary>
internal sealed record EncoderWeightNames
{
    public string WordEmbeddings { get; init; } = "embeddings.word_embeddings";
    public string PositionEmbeddings { get; init; } = "embeddings.position_embeddings";
    public string TokenTypeEmbeddings { get; init; } = "embeddings.token_type_embeddings";
    public string EmbeddingsNorm { get; init; } = "embeddings.LayerNorm";
    public string EmbeddingsProjection { get; init; } = "embeddings_project";
    public string Query { get; init; } = "encoder.layer.{0}.attention.self.query";
    public string Key { get; init; } = "encoder.layer.{0}.attention.self.key";
    public string Value { get; init; } = "encoder.layer.{0}.attention.self.value";
    public string AttentionOutput { get; init; } = "encoder.layer.{0}.attention.output.dense";
    public string AttentionNorm { get; init; } = "encoder.layer.{0}.attention.output.LayerNorm";
    public string Intermediate { get; init; } = "encoder.layer.{0}.intermediate.dense";
    public string Output { get; init; } = "encoder.layer.{0}.output.dense";
    public string OutputNorm { get; init; } = "encoder.layer.{0}.output.LayerNorm";
    public string Pooler { get; init; } = "pooler.dense";
}
