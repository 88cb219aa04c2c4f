namespace Microsoft.ML.Peft.Tokenization.Decoders;

/// <summary>Turns tokens back into parts of a text, which are joined without anything between them.</summary>
internal interface ITokenDecoder
{
    IReadOnlyList<string> Decode(IReadOnlyList<string> tokens);
}
