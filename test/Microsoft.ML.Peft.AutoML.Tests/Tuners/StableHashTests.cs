using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML.Tests.Tuners;

public sealed class StableHashTests
{
    [Fact]
    public void Seeds_are_the_same_in_every_process_and_version()
        => Assert.Equal([864618855, 1943485917], [StableHash.Seed(1, "trial", 0), StableHash.Seed(1, "trial", 1)]);

    [Fact]
    public void Seeds_differ_by_each_of_their_parts()
    {
        int[] seeds = [StableHash.Seed(1, "trial", 2), StableHash.Seed(2, "trial", 2), StableHash.Seed(1, "random", 2), StableHash.Seed(1, "trial", 3), StableHash.Seed(12, "trial", 2)];
        Assert.Equal(5, seeds.Distinct().Count());
        Assert.All(seeds, seed => Assert.True(seed >= 0));
    }
}
