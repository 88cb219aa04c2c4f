namespace Microsoft.ML.Peft.DataViews;

/// <summary>
/// Computes the head's raw outputs `[rows × outputs]` row by row. <paramref name="secondTexts"/> is empty where there is no
/// second text column. Called from several threads at once.
/// </summary>
internal delegate void TextScorer(ReadOnlySpan<string> texts, ReadOnlySpan<string> secondTexts, Span<float> outputs);

/// <summary>The raw outputs of the current row.</summary>
internal delegate ReadOnlySpan<float> RowOutputs();
