using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Tests;

public sealed class BatchSamplerTests
{
    private static readonly int[] Lengths = [.. Enumerable.Range(0, 1003).Select(i => i * 7919 % 100 + 1)];

    [Theory]
    [InlineData(1, 1003)]
    [InlineData(10, 101)]
    [InlineData(1003, 1)]
    [InlineData(5000, 1)]
    public void Every_row_comes_exactly_once_in_an_epoch(int batchSize, int batches)
    {
        var sampler = new BatchSampler(Lengths, batchSize, new Random(1));
        Assert.Equal(batches, sampler.BatchesPerEpoch);
        for (int epoch = 0; epoch < 2; epoch++)
        {
            var found = sampler.NextEpoch();
            Assert.Equal(batches, found.Count);
            Assert.All(found, batch => Assert.InRange(batch.Length, 1, batchSize));
            Assert.Equal(Enumerable.Range(0, Lengths.Length), found.SelectMany(batch => batch).Order());
        }
    }

    [Fact]
    public void Every_epoch_has_another_order()
    {
        var sampler = new BatchSampler(Lengths, 10, new Random(1));
        Assert.NotEqual(Flat(sampler), Flat(sampler));
    }

    [Fact]
    public void The_same_seed_gives_the_same_order_and_another_seed_another()
    {
        int[] first = Flat(new BatchSampler(Lengths, 10, new Random(1)));
        Assert.Equal(first, Flat(new BatchSampler(Lengths, 10, new Random(1))));
        Assert.NotEqual(first, Flat(new BatchSampler(Lengths, 10, new Random(2))));
    }

    [Fact]
    public void The_rows_of_a_batch_are_of_similar_length()
    {
        var spreads = new BatchSampler(Lengths, 10, new Random(1)).NextEpoch()
            .Select(batch => batch.Max(row => Lengths[row]) - batch.Min(row => Lengths[row]));
        // 500 rows with 100 lengths lie in a window: 10 neighbours differ by about 2. Unsorted they would by about 80.
        Assert.InRange(spreads.Average(), 0, 5);
    }

    [Fact]
    public void Batches_are_not_sorted_by_length()
    {
        var means = new BatchSampler(Lengths, 10, new Random(1)).NextEpoch().Take(50).Select(batch => batch.Average(row => Lengths[row])).ToArray();
        Assert.NotEqual(means.Order(), means);
        Assert.NotEqual(means.OrderDescending(), means);
    }

    private static int[] Flat(BatchSampler sampler) => [.. sampler.NextEpoch().SelectMany(batch => batch)];
}
