namespace Microsoft.ML.Peft.Tokenization.Decoders;

/// <summary>Turns visible spaces back, and drops those of the first token where one was put there.</summary>
internal sealed class MetaspaceDecoder(MetaspaceOptions options) : ITokenDecoder
{
    public IReadOnlyList<string> Decode(IReadOnlyList<string> tokens)
    {
        string mark = options.Replacement.ToString();
        return [.. tokens.Select((token, index) => token.Replace(mark, index == 0 && options.PrependsFirst ? "" : " "))];
    }
}
