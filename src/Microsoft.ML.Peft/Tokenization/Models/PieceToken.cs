namespace Microsoft.ML.Peft.Tokenization.Models;

/// <summary>A token and the range of the piece that it covers.</summary>
internal readonly record struct PieceToken(int Id, TextRange Range);
