using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML.Tests.Tuners;

public sealed class AshaTunerTests
{
    private static readonly MethodSpace[] Spaces = [new("method", [new NumericDimension("x", 0, 1, log: false, integer: false, 0.5)])];

    private readonly SearchHistory _history = new();
    private readonly AshaTuner _tuner = Tuner(9);

    [Theory]
    [InlineData(9, 3, 1, new[] { 1, 3, 9 })]
    [InlineData(27, 3, 2, new[] { 3, 9, 27 })]
    [InlineData(10, 4, 1, new[] { 2, 10 })]
    [InlineData(5, 3, 1, new[] { 1, 5 })]
    [InlineData(1, 3, 1, new[] { 1 })]
    [InlineData(4, 3, 8, new[] { 4 })]
    public void Rungs_end_at_a_full_training_and_grow_by_the_reduction_factor(int maxEpochs, int factor, int minEpochs, int[] rungs)
        => Assert.Equal(rungs, new AshaTuner(new RandomSampler(Spaces, 1), factor, minEpochs, maxEpochs).Rungs);

    [Fact]
    public void The_best_of_three_is_promoted_before_another_one_starts()
    {
        Start(0.1);
        Start(0.3);
        Assert.Null(Next().Paused);
        Start(0.2);
        Assert.Equal(1, Next().Paused!.Id);
        Assert.Equal(1, Next().Rung);
    }

    [Fact]
    public void Nobody_is_promoted_twice_from_a_rung()
    {
        Start(0.1);
        Start(0.3);
        Start(0.2);
        Next().Paused!.Promote(1);
        Assert.Null(Next().Paused);
    }

    [Fact]
    public void A_late_better_trial_is_promoted_too()
    {
        Start(0.1);
        Start(0.3);
        Start(0.2);
        Next().Paused!.Promote(1);
        foreach (double score in new[] { 0.9, 0.15, 0.16 })
            Start(score);
        Assert.Equal(3, Next().Paused!.Id);
    }

    [Fact]
    public void Higher_rungs_come_first()
    {
        for (int i = 0; i < 9; i++)
            Start(i / 10.0);
        foreach (double score in new[] { 0.8, 0.7, 0.6 })
        {
            var paused = Next().Paused!;
            paused.Promote(1);
            paused.Report(new Objective(score));
        }
        Assert.Equal((8, 2), (Next().Paused!.Id, Next().Rung));
    }

    [Fact]
    public void A_failed_trial_counts_as_the_worst_and_is_never_promoted()
    {
        _history.Start(0, new Configuration(Spaces[0], [0.0])).Fail();
        _history.Start(1, new Configuration(Spaces[0], [0.1])).Fail();
        Start(0.01);
        Assert.Equal(2, Next().Paused!.Id);
        Next().Paused!.Promote(1);
        _history.Trials[2].Fail();
        Assert.Null(Next().Paused);
    }

    [Fact]
    public void While_trials_run_nothing_is_promoted_early()
    {
        Start(0.3);
        _history.Start(1, new Configuration(Spaces[0], [0.9]));
        Assert.Null(_tuner.Next(_history, mayStart: false));
    }

    [Fact]
    public void When_nothing_else_is_left_the_best_trial_is_trained_to_the_end()
    {
        Start(0.1);
        Start(0.3);
        var last = _tuner.Next(_history, mayStart: false)!.Paused!;
        Assert.Equal(1, last.Id);
        last.Promote(1);
        last.Report(new Objective(0.3));
        Assert.Equal((last, 2), (_tuner.Next(_history, mayStart: false)!.Paused, _tuner.Next(_history, mayStart: false)!.Rung));
        last.Promote(2);
        last.Report(new Objective(0.3));
        Assert.Null(_tuner.Next(_history, mayStart: false));
    }

    [Fact]
    public void Two_thirds_of_all_trials_see_the_lowest_rung_only()
    {
        var history = Support.Simulation.Run(_tuner, (configuration, epochs) => (double)configuration.Values[0]!, trials: 81);
        Assert.Equal(81, history.At(0).Count);
        // Who is among the best third of few may not be of many: a few more are promoted than in the synchronous form.
        Assert.InRange(history.At(1).Count, 27, 36);
        Assert.InRange(history.At(2).Count, 9, 16);
    }

    [Fact]
    public void Where_cost_is_weighed_a_cheap_trial_is_promoted_beside_a_good_one()
    {
        for (int i = 0; i < 6; i++)
        {
            var trial = _history.Start(i, new Configuration(Spaces[0], [i / 10.0]));
            trial.Report(i switch { 0 => new Objective(0.9, 500), 1 => new Objective(0.6, 5), _ => new Objective(0.7 + i / 100.0, 1000) });
        }
        Next().Paused!.Promote(1);
        Assert.Equal(1, Next().Paused!.Id);
        Assert.Equal(1, _history.Trials[0].Rung);
    }

    private static AshaTuner Tuner(int maxEpochs) => new(new RandomSampler(Spaces, 1), 3, 1, maxEpochs);

    private Assignment Next() => _tuner.Next(_history, mayStart: true)!;

    private void Start(double score)
    {
        int id = _history.Trials.Count;
        _history.Start(id, new Configuration(Spaces[0], [id / 100.0])).Report(new Objective(score));
    }
}
