namespace Microsoft.ML.Peft.Training;

/// <summary>
/// Rows to learn from. <see cref="Labels"/> holds a class index (multiclass), 0 or 1 (binary) or the value (regression).
/// </summary>
internal sealed record LabeledTexts(IReadOnlyList<string> Texts, IReadOnlyList<string>? SecondTexts, IReadOnlyList<float> Labels)
{
    public int Count => Texts.Count;
}
