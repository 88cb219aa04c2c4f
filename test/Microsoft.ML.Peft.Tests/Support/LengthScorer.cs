namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>A scorer without a model: the first output is the text's length, the second that of the second text, others are 0.</summary>
internal sealed class LengthScorer(int outputs)
{
    private readonly List<int> _batches = [];

    /// <summary>The number of rows of each call.</summary>
    public IReadOnlyList<int> Batches => _batches;

    public void Score(ReadOnlySpan<string> texts, ReadOnlySpan<string> secondTexts, Span<float> target)
    {
        Assert.Equal(texts.Length * outputs, target.Length);
        lock (_batches)
            _batches.Add(texts.Length);
        target.Clear();
        for (int i = 0; i < texts.Length; i++)
        {
            target[i * outputs] = texts[i].Length;
            if (secondTexts.Length > 0)
                target[i * outputs + 1] = secondTexts[i].Length;
        }
    }
}
