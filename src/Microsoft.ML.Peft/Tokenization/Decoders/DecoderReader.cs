namespace Microsoft.ML.Peft.Tokenization.Decoders;

/// <summary>Reads the <c>decoder</c> of a tokenizer file.</summary>
internal static class DecoderReader
{
    public static ITokenDecoder Read(JsonObject? json) => json is null ? new SpaceDecoder() : json.Type switch
    {
        "Sequence" => new SequenceDecoder([.. json.Objects("decoders").Select(Read)]),
        "WordPiece" => new WordPieceDecoder(json.OptionalText("prefix") ?? "##", json.Flag("cleanup", missing: true)),
        "ByteLevel" => new ByteLevelDecoder(),
        "Fuse" => new FuseDecoder(),
        _ => throw json.UnsupportedType(),
    };
}
