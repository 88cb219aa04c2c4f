namespace Microsoft.ML.Peft.Tokenization.Decoders;

/// <summary>Drops up to a number of occurrences of a character from both ends of each token.</summary>
internal sealed class StripDecoder(string content, int start, int stop) : ITokenDecoder
{
    public IReadOnlyList<string> Decode(IReadOnlyList<string> tokens) => [.. tokens.Select(Strip)];

    private string Strip(string token)
    {
        ReadOnlySpan<char> rest = token;
        for (int i = 0; i < start && rest.StartsWith(content); i++)
            rest = rest[content.Length..];
        for (int i = 0; i < stop && rest.EndsWith(content); i++)
            rest = rest[..^content.Length];
        return rest.ToString();
    }
}
