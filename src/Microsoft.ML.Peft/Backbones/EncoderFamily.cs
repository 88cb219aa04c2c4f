namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// A family of encoders: how its `config.json` reads, what its tensors are called, and which head Hugging Face's
/// sequence classification puts on it. Adding a family means adding one such record (see Families/).
/// </summary>
internal sealed record EncoderFamily
{
    /// <summary>The values of `model_type` that belong to the family.</summary>
    public required string[] ModelTypes { get; init; }

    /// <summary>What stands before every tensor name in files of models with a head (`bert.`), and is absent in bare ones.</summary>
    public required string Prefix { get; init; }

    public required EncoderWeightNames Names { get; init; }

    public required HeadLayout Head { get; init; }

    public required Func<ConfigFile, EncoderConfiguration> Configure { get; init; }
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

/// <summary>
/// A head for sequence classification: (frozen pooler with tanh) → (trained dense layer with activation) → trained
/// output layer. Names as in Hugging Face's files, without `.weight` and `.bias`.
/// </summary>
internal sealed record HeadLayout(string Output, bool UsesPooler = false, string? Dense = null, Activation DenseActivation = Activation.Tanh)
{
    /// <summary>One linear layer on a pooled vector: the head of <see cref="Pooling.Mean"/> and <see cref="Pooling.Cls"/>.</summary>
    public static HeadLayout Linear { get; } = new("classifier");
}
