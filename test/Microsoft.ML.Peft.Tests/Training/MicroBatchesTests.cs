using Microsoft.ML.Peft.Tests.Support;
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
    public void Virtual_tokens_of_each_row_count() => Assert.Equal([[1, 2], [4, 5]], MicroBatches.Split([1, 2, 4, 5], Lengths, 17, virtualTokens: 5));

    [Fact]
    public void By_default_a_small_model_takes_more_tokens_at_a_time_than_a_large_one_and_none_takes_few()
    {
        using PretrainedModel encoder = PretrainedModel.Load(precision: Precision.Float32), tiny = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
        int small = MicroBatches.UsualTokens(encoder.Configuration);
        Assert.InRange(small, 1000, 4000);
        Assert.True(MicroBatches.UsualTokens(tiny.Configuration) > small);
        Assert.Equal(256, MicroBatches.UsualTokens(encoder.Configuration with { Layers = 1000 }));
    }

    [Fact]
    public void A_batch_that_fits_stays_whole() => Assert.Equal([[3, 0, 2]], MicroBatches.Split([3, 0, 2], Lengths, 18));
}
