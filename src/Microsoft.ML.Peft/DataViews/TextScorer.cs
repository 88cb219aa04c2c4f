namespace Microsoft.ML.Peft.DataViews;

/// <summary>
/// Computes what the model says of each row. <paramref name="secondTexts"/> is empty where there is no second text column. Called
/// from several threads at once.
/// </summary>
internal delegate void TextScorer(ReadOnlySpan<string> texts, ReadOnlySpan<string> secondTexts, ScoredRows outputs);

/// <summary>What the model says of the current row.</summary>
internal delegate ScoredRow RowOutputs();
