using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Tests;

public sealed class HoldOutTests
{
    /// <summary>60 rows of class 0, 30 of class 1, 9 of class 2 and one of class 3, mixed.</summary>
    private static readonly float[] Labels =
        [.. Enumerable.Range(0, 100).Select(i => i == 42 ? 3f : i % 10 is < 6 ? 0f : i % 10 < 9 ? 1f : 2f)];

    [Fact]
    public void No_more_than_about_500_rows_are_held_out()
    {
        float[] labels = [.. Enumerable.Range(0, 20_000).Select(row => (float)(row % 10))];
        var (train, validation) = HoldOut.Split(labels, regression: false, 0.1, new Random(1));
        Assert.Equal(500, validation.Length);
        Assert.Equal(19_500, train.Length);
    }

    [Fact]
    public void The_parts_are_disjoint_and_complete()
    {
        var (train, validation) = HoldOut.Split(Labels, regression: false, 0.2, new Random(1));
        Assert.Equal(Enumerable.Range(0, 100), train.Concat(validation).Order());
        Assert.Empty(train.Intersect(validation));
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.25)]
    [InlineData(0.5)]
    public void Every_class_gives_the_same_fraction(double fraction)
    {
        var (_, validation) = HoldOut.Split(Labels, regression: false, fraction, new Random(1));
        foreach (var group in Labels.Index().GroupBy(row => row.Item, row => row.Index).Where(group => group.Count() > 1))
            Assert.InRange(validation.Intersect(group).Count(), group.Count() * fraction - 0.5, group.Count() * fraction + 0.5);
    }

    [Theory]
    [InlineData(0.2)]
    [InlineData(0.99)]
    public void A_class_keeps_at_least_one_row_for_training(double fraction)
    {
        var (train, _) = HoldOut.Split(Labels, regression: false, fraction, new Random(1));
        Assert.Contains(42, train);
        Assert.Equal([0f, 1f, 2f, 3f], train.Select(row => Labels[row]).Distinct().Order());
    }

    [Fact]
    public void Classes_of_one_row_each_leave_nothing_to_hold_out() =>
        Assert.Empty(HoldOut.Split([0, 1, 2], regression: false, 0.5, new Random(1)).Validation);

    [Fact]
    public void Values_are_one_group()
    {
        var (train, validation) = HoldOut.Split([.. Enumerable.Range(0, 50).Select(i => (float)i)], regression: true, 0.1, new Random(1));
        Assert.Equal((45, 5), (train.Length, validation.Length));
    }

    [Fact]
    public void The_seed_decides_which_rows()
    {
        int[] Held(int seed) => HoldOut.Split(Labels, regression: false, 0.2, new Random(seed)).Validation;
        Assert.Equal(Held(1), Held(1));
        Assert.NotEqual(Held(1).Order(), Held(2).Order());
    }
}
