using Microsoft.ML.Peft.Native;

namespace Microsoft.ML.Peft.Tests.Native;

public sealed class SharedWorkTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    public void Each_part_is_done_once(int count)
    {
        int[] done = new int[count];
        SharedWork.Run(count, part => Interlocked.Increment(ref done[part]));
        Assert.All(done, times => Assert.Equal(1, times));
    }

    [Fact]
    public void Callers_side_by_side_each_get_all_of_their_parts()
    {
        Parallel.For(0, 16, caller =>
        {
            for (int times = 0; times < 200; times++)
            {
                int[] done = new int[50];
                SharedWork.Run(done.Length, part => Interlocked.Increment(ref done[part]));
                Assert.All(done, count => Assert.Equal(1, count));
            }
        });
    }

    [Fact]
    public void Work_within_work_is_done()
    {
        int done = 0;
        SharedWork.Run(8, _ => SharedWork.Run(8, _ => Interlocked.Increment(ref done)));
        Assert.Equal(64, done);
    }
}
