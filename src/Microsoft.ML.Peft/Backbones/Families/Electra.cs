namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>ELECTRA's discriminator (Clark et al. 2020). Its token embeddings may be narrower than its hidden states.</summary>
internal static class Electra
{
    public static EncoderFamily Family { get; } = new()
    {
        ModelTypes = ["electra"],
        Prefix = "electra.",
        Names = new EncoderWeightNames(),
        Head = new HeadLayout("classifier.out_proj", Dense: "classifier.dense", DenseActivation: Activation.Gelu),
        Configure = config => Bert.Configure(config) with { EmbeddingSize = config.Integer("embedding_size", config.Integer("hidden_size")) },
    };
}
