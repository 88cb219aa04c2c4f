namespace Microsoft.ML.Peft.Tokenization;

/// <summary>A token with the range of the original text that it came from.</summary>
internal readonly record struct SourceToken(int Id, string Value, TextRange Source);
