using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML.Tests.Tuners;

public sealed class ObjectiveTests
{
    [Fact]
    public void Without_costs_the_score_alone_decides()
        => Assert.Equal([3, 1, 2, 0], Order(new(0.1), new(0.5), new(0.4), new(0.9)));

    [Fact]
    public void Equals_keep_their_order() => Assert.Equal([0, 1, 2], Order(new(0.5), new(0.5), new(0.5)));

    [Fact]
    public void Of_equal_scores_the_smaller_loss_comes_first()
        => Assert.Equal([1, 2, 0, 3], Order(new(0.5, Loss: 3), new(0.5, Loss: 1), new(0.5, Loss: 2), new(0.4, Loss: 0.1)));

    [Fact]
    public void Pareto_fronts_come_one_after_the_other()
        => Assert.Equal([0, 1, 2, 3], Order(new(0.9, 10), new(0.5, 1), new(0.8, 11), new(0.4, 12)));

    [Fact]
    public void A_failure_comes_last() => Assert.Equal([1, 2, 0], Order(Objective.Worst, new(0.2, 1), new(0.1, 2)));

    private static IEnumerable<int> Order(params Objective[] objectives) => Objective.Order([.. Enumerable.Range(0, objectives.Length)], i => objectives[i]);
}
