namespace Microsoft.ML.Peft.DataViews;

/// <summary>The columns that a soft prompt component reads and writes.</summary>
internal sealed record ColumnNames(string Label, string Text, string? SecondText, string PredictedLabel, string Score, string Probability, string GeneratedText)
{
    public const string DefaultGeneratedText = "GeneratedText";
}
