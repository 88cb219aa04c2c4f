namespace Microsoft.ML.Peft.Training;

/// <summary>The factor on the learning rates over the steps: a linear rise, then a linear or cosine fall to zero.</summary>
internal static class Schedule
{
    public static double Factor(LearningRateSchedule schedule, int step, int steps, double warmUpFraction)
    {
        int warmUp = (int)(steps * warmUpFraction);
        if (step < warmUp)
            return (step + 1.0) / (warmUp + 1);
        double progress = (step - warmUp) / (double)Math.Max(1, steps - warmUp);
        return schedule == LearningRateSchedule.Linear ? 1 - progress : 0.5 * (1 + Math.Cos(Math.PI * progress));
    }
}
