using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Decoders;

/// <summary>Replaces what a pattern matches within each token.</summary>
internal sealed class ReplaceDecoder(TextPattern pattern, string content) : ITokenDecoder
{
    public IReadOnlyList<string> Decode(IReadOnlyList<string> tokens) => [.. tokens.Select(Replace)];

    private string Replace(string token)
    {
        StringBuilder output = new(token.Length);
        int previousEnd = 0;
        foreach (TextRange match in pattern.Matches(token))
        {
            output.Append(token, previousEnd, match.Start - previousEnd).Append(content);
            previousEnd = match.End;
        }
        return output.Append(token, previousEnd, token.Length - previousEnd).ToString();
    }
}
