namespace Microsoft.ML.Peft.Training;

/// <summary>
/// Parts of a batch that are computed one after the other, their gradients summed: what a step keeps in memory does not grow with the
/// length of the texts beyond a bound, while the step stays that of the whole batch.
/// </summary>
internal static class MicroBatches
{
    /// <summary>Parts of consecutive rows with at most so many tokens each, or one row.</summary>
    public static IEnumerable<int[]> Split(int[] rows, IReadOnlyList<int> lengths, int mostTokens)
    {
        for (int start = 0, end; start < rows.Length; start = end)
        {
            int tokens = lengths[rows[start]];
            for (end = start + 1; end < rows.Length && tokens + lengths[rows[end]] <= mostTokens; end++)
                tokens += lengths[rows[end]];
            yield return rows[start..end];
        }
    }
}
