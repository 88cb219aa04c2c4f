namespace Microsoft.ML.Peft.Tokenization.Decoders;

/// <summary>Puts a space between tokens: what a tokenizer without a decoder does.</summary>
internal sealed class SpaceDecoder : ITokenDecoder
{
    public IReadOnlyList<string> Decode(IReadOnlyList<string> tokens) => [string.Join(' ', tokens)];
}
