using Microsoft.ML.Peft.Backbones;

namespace Microsoft.ML.Peft.Tests;

public sealed class RowLayoutTests
{
    private static readonly RowLayout Layout = RowLayout.Of([3, 1, 3, 2]);

    [Fact]
    public void Rows_of_one_length_stand_together_the_shortest_first()
    {
        Assert.Equal([1, 3, 0, 2], Layout.Order);
        Assert.Equal([new RowGroup(0, 1, 1), new RowGroup(1, 1, 2), new RowGroup(3, 2, 3)], Layout.Groups);
        Assert.Equal(9, Layout.Positions);
        Assert.Equal(4, Layout.Rows);
    }

    [Fact]
    public void Places_are_told_in_the_rows_own_order()
    {
        Assert.Equal([3, 0, 6, 1], Enumerable.Range(0, 4).Select(Layout.Start));
        Assert.Equal([5, 0, 8, 2], Layout.Last());
        Assert.Equal((6, 3), (Layout.Start(2), Layout.Length(2)));
    }

    [Fact]
    public void Positions_are_numbered_within_each_row() =>
        Assert.Equal([7, 7, 8, 7, 8, 9, 7, 8, 9], Layout.Numbers(_ => 7));

    [Fact]
    public void A_widened_layout_keeps_the_order()
    {
        var wide = Layout.Widen(_ => 2);
        Assert.Equal(Layout.Order, wide.Order);
        Assert.Equal([new RowGroup(0, 1, 3), new RowGroup(3, 1, 4), new RowGroup(7, 2, 5)], wide.Groups);
        Assert.Same(Layout, Layout.Widen(_ => 0));
    }

    [Fact]
    public void Rows_of_one_soft_prompt_stand_together_and_are_widened_by_its_length()
    {
        var layout = RowLayout.Of([3, 1, 3, 3], prompts: [1, 0, 1, 0]);
        Assert.Equal([1, 3, 0, 2], layout.Order);
        Assert.Equal([new RowGroup(0, 1, 1, 0), new RowGroup(1, 1, 3, 0), new RowGroup(4, 2, 3, 1)], layout.Groups);
        var wide = layout.Widen(prompt => 2 * prompt);
        Assert.Equal([new RowGroup(0, 1, 1, 0), new RowGroup(1, 1, 3, 0), new RowGroup(4, 2, 5, 1)], wide.Groups);
        Assert.Equal([0, 0, 1, 2, 9, 10, 11, 9, 10, 11], layout.Numbers(prompt => 9 * prompt));
    }
}
