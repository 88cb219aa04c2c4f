namespace Microsoft.ML.Peft.Tokenization.Decoders;

/// <summary>Reads the <c>decoder</c> of a tokenizer file.</summary>
internal static class DecoderReader
{
    public static ITokenDecoder Read(JsonObject? json) => json is null ? new SpaceDecoder() : json.Type switch
    {
        "Sequence" => new SequenceDecoder([.. json.Objects("decoders").Select(Read)]),
        "WordPiece" => new WordPieceDecoder(json.OptionalText("prefix") ?? "##", json.Flag("cleanup", missing: true)),
        "ByteLevel" => new ByteLevelDecoder(),
        "Metaspace" => new MetaspaceDecoder(MetaspaceOptions.Read(json)),
        "Replace" => new ReplaceDecoder(PatternReader.Read(json), json.Text("content")),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Strip" => new StripDecoder(json.Text("content"), json.Count("start"), json.Count("stop")),
        "Fuse" => new FuseDecoder(),
        _ => throw json.UnsupportedType(),
    };
}
