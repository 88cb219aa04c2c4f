namespace Microsoft.ML.Peft.Training;

/// <summary>Rows to learn writing from: texts, and what is to be written on each.</summary>
internal sealed record TargetTexts(IReadOnlyList<string> Texts, IReadOnlyList<string>? SecondTexts, IReadOnlyList<string> Targets)
{
    public int Count => Texts.Count;
}
