namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>RoBERTa (Liu et al. 2019) and what shares its weights' names: XLM-RoBERTa, CamemBERT.</summary>
internal static class Roberta
{
    public static EncoderFamily Family { get; } = new()
    {
        ModelTypes = ["roberta", "xlm-roberta", "camembert"],
        Prefix = "roberta.",
        Names = new EncoderWeightNames(),
        Head = new HeadLayout("classifier.out_proj", Dense: "classifier.dense"),
        Configure = Configure,
    };

    private static EncoderConfiguration Configure(ConfigFile config)
    {
        var bert = Bert.Configure(config);
        int padding = config.Integer("pad_token_id", 1, minimum: 0);
        if (bert.MaxPositions <= padding + 1)
            throw new InvalidDataException($"'{config.Path}': max_position_embeddings is {bert.MaxPositions}, which leaves no position behind the padding index {padding}.");
        return bert with
        {
            TokenTypes = config.Integer("type_vocab_size", 1),
            PaddingId = padding,
            FirstPosition = padding + 1,
            PositionsSkipPadding = true,
            MaxPositions = bert.MaxPositions - padding - 1,
        };
    }
}
