namespace Microsoft.ML.Peft.Tokenization.Decoders;

/// <summary>Makes one part of all.</summary>
internal sealed class FuseDecoder : ITokenDecoder
{
    public IReadOnlyList<string> Decode(IReadOnlyList<string> tokens) => [string.Concat(tokens)];
}
