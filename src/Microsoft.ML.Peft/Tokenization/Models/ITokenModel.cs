namespace Microsoft.ML.Peft.Tokenization.Models;

/// <summary>Turns one piece of text into tokens of its vocabulary.</summary>
internal interface ITokenModel
{
    /// <summary>The algorithm's name.</summary>
    string Kind { get; }

    Vocabulary Vocabulary { get; }

    /// <summary>Adds the tokens of a piece that is not empty to <paramref name="tokens"/>.</summary>
    void Tokenize(ReadOnlySpan<char> piece, List<PieceToken> tokens);
}
