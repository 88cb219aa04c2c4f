using Microsoft.ML.Peft.Backbones;

namespace Microsoft.ML.Peft.Training;

/// <summary>
/// Parts of a batch that are computed one after the other, their gradients summed: what a step keeps in memory does not grow with the
/// length of the texts beyond a bound, while the step stays that of the whole batch.
/// </summary>
internal static class MicroBatches
{
    private const double Bytes = 256e6;
    private const int BytesPerNumber = 4;
    private const int TypicalKeys = 64;

    /// <summary>Below this the products become too small to use the machine.</summary>
    private const int FewestTokens = 256;

    /// <summary>As many tokens as have about 256 megabytes kept for their gradients: the layers' inputs, what attention reads and the insides of the feed-forward.</summary>
    public static int UsualTokens(ModelConfiguration shape)
    {
        int gated = shape is DecoderConfiguration { GatedMlp: true } ? 3 : 1;
        double perLayer = 4.0 * shape.HiddenSize + (shape.Heads + 2 * shape.KeyValueHeads) * shape.HeadSize + shape.Heads * TypicalKeys + gated * shape.IntermediateSize;
        return Math.Max(FewestTokens, (int)(Bytes / BytesPerNumber / shape.Layers / perLayer));
    }

    /// <summary>Parts of consecutive rows with at most so many tokens each, or one row.</summary>
    /// <param name="rows">The batch.</param>
    /// <param name="lengths">The tokens of every row.</param>
    /// <param name="mostTokens">The bound.</param>
    /// <param name="virtualTokens">What each row has beside them.</param>
    public static IEnumerable<int[]> Split(int[] rows, IReadOnlyList<int> lengths, int mostTokens, int virtualTokens = 0)
    {
        for (int start = 0, end; start < rows.Length; start = end)
        {
            int tokens = lengths[rows[start]] + virtualTokens;
            for (end = start + 1; end < rows.Length && tokens + lengths[rows[end]] + virtualTokens <= mostTokens; end++)
                tokens += lengths[rows[end]] + virtualTokens;
            yield return rows[start..end];
        }
    }
}
