using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>Column names and shapes that many tests use.</summary>
internal static class TestColumns
{
    public static ColumnNames Names { get; } = new("Label", "Text", null, "PredictedLabel", "Score", "Probability", "GeneratedText");

    public static ColumnNames PairNames { get; } = Names with { SecondText = "Second" };

    public static PredictionShape Regression { get; } = new(Names, PredictionTask.Regression, 1, null);

    public static PredictionShape Binary { get; } = new(Names, PredictionTask.Binary, 2, null);

    public static PredictionShape Generation { get; } = new(Names, PredictionTask.Generation, 0, null);
}
