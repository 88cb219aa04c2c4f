using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Tests;

public sealed class MicroBatchesTests
{
    private static readonly int[] Lengths = [5, 3, 4, 9, 1, 2];

    [Fact]
    public void Parts_hold_as_many_rows_as_their_tokens_allow() =>
        Assert.Equal([[0, 1], [2, 4, 5]], MicroBatches.Split([0, 1, 2, 4, 5], Lengths, 8));

    [Fact]
    public void A_row_that_is_too_long_is_alone() => Assert.Equal([[1], [3], [4, 5]], MicroBatches.Split([1, 3, 4, 5], Lengths, 3));

    [Fact]
    public void A_batch_that_fits_stays_whole() => Assert.Equal([[3, 0, 2]], MicroBatches.Split([3, 0, 2], Lengths, 18));
}
