namespace Microsoft.ML.Peft.Training;

/// <summary>
/// Shuffled batches of rows of similar length: rows are shuffled, sorted by length within windows of many batches, cut into
/// batches, and the batches shuffled. Nearly no padding, and every epoch in another order.
/// </summary>
internal sealed class BatchSampler(IReadOnlyList<int> lengths, int batchSize, Random random)
{
    private const int BatchesPerWindow = 50;

    public int BatchesPerEpoch { get; } = (lengths.Count + batchSize - 1) / batchSize;

    /// <summary>The rows of each batch of one epoch.</summary>
    public IReadOnlyList<int[]> NextEpoch()
    {
        int[] rows = [.. Enumerable.Range(0, lengths.Count)];
        random.Shuffle(rows);
        var batches = rows.Chunk(batchSize * BatchesPerWindow)
            .SelectMany(window => window.OrderBy(row => lengths[row]).Chunk(batchSize))
            .ToArray();
        random.Shuffle(batches);
        return batches;
    }
}
