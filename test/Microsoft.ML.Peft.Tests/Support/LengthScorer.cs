using Microsoft.ML.Peft.DataViews;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>
/// A scorer without a model: the first output is the text's length, the second that of the second text, others are 0. Without outputs it
/// writes: the text in capitals, and the second text behind it.
/// </summary>
internal sealed class LengthScorer(int outputs)
{
    private readonly List<int> _batches = [];

    /// <summary>The number of rows of each call.</summary>
    public IReadOnlyList<int> Batches => _batches;

    public void Score(ReadOnlySpan<string> texts, ReadOnlySpan<string> secondTexts, ScoredRows target)
    {
        lock (_batches)
            _batches.Add(texts.Length);
        if (outputs == 0)
        {
            for (int i = 0; i < texts.Length; i++)
                target.Texts(texts.Length)[i] = texts[i].ToUpperInvariant() + (secondTexts.Length > 0 ? secondTexts[i] : "");
            return;
        }
        var numbers = target.Numbers(texts.Length);
        Assert.Equal(texts.Length * outputs, numbers.Length);
        numbers.Clear();
        for (int i = 0; i < texts.Length; i++)
        {
            numbers[i * outputs] = texts[i].Length;
            if (secondTexts.Length > 0)
                numbers[i * outputs + 1] = secondTexts[i].Length;
        }
    }
}
