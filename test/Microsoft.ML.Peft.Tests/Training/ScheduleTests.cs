using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Tests;

public sealed class ScheduleTests
{
    [Theory]
    [InlineData(LearningRateSchedule.Linear, 0, 1 / 3.0)]
    [InlineData(LearningRateSchedule.Linear, 1, 2 / 3.0)]
    [InlineData(LearningRateSchedule.Linear, 2, 1)]
    [InlineData(LearningRateSchedule.Linear, 6, 0.5)]
    [InlineData(LearningRateSchedule.Linear, 8, 0.25)]
    [InlineData(LearningRateSchedule.Linear, 10, 0)]
    [InlineData(LearningRateSchedule.Cosine, 0, 1 / 3.0)]
    [InlineData(LearningRateSchedule.Cosine, 2, 1)]
    [InlineData(LearningRateSchedule.Cosine, 4, 0.8535533905932737)]
    [InlineData(LearningRateSchedule.Cosine, 6, 0.5)]
    [InlineData(LearningRateSchedule.Cosine, 10, 0)]
    public void The_rate_rises_over_the_warm_up_and_falls_to_zero(LearningRateSchedule schedule, int step, double expected) =>
        Assert.Equal(expected, Schedule.Factor(schedule, step, steps: 10, warmUpFraction: 0.2), 12);

    [Theory]
    [InlineData(LearningRateSchedule.Linear)]
    [InlineData(LearningRateSchedule.Cosine)]
    public void Without_warm_up_the_first_step_has_the_full_rate(LearningRateSchedule schedule) =>
        Assert.Equal(1, Schedule.Factor(schedule, 0, 10, 0));

    [Theory]
    [InlineData(1, 0.06)]
    [InlineData(7, 0.5)]
    [InlineData(10, 1)]
    [InlineData(300, 0.06)]
    public void Every_step_has_a_rate_above_zero_and_at_most_the_full_one(int steps, double warmUp)
    {
        foreach (var schedule in Enum.GetValues<LearningRateSchedule>())
        {
            for (int step = 0; step < steps; step++)
                Assert.InRange(Schedule.Factor(schedule, step, steps, warmUp), 1e-9, 1);
            Assert.InRange(Schedule.Factor(schedule, steps, steps, warmUp), 0, 1);
        }
    }
}
