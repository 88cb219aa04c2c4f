namespace Microsoft.ML.Peft.Benchmarks;

internal static class Rounds
{
    private const int Least = 3;
    private const double Seconds = 25;

    /// <summary>The number of rounds asked for, or as many as take about 25 seconds, at least 3.</summary>
    public static int Count(int? asked, double secondsPerRound) => asked ?? Math.Max(Least, (int)(Seconds / secondsPerRound));
}
