namespace Microsoft.ML.Peft.Backbones;

/// <summary>How fast each pair of a head's dimensions turns with the position, under the ways of stretching it over longer texts.</summary>
internal static class RotaryFrequencies
{
    /// <summary>The angles per position `[R/2]` for R rotated dimensions.</summary>
    public static double[] Of(RotaryConfiguration rotary, int size)
    {
        double[] plain = [.. Enumerable.Range(0, size / 2).Select(i => Math.Pow(rotary.Theta, -2.0 * i / size) / (rotary.Divisors?[i] ?? 1))];
        return rotary.Scaling switch
        {
            RotaryScaling.None => plain,
            RotaryScaling.Linear => Array.ConvertAll(plain, f => f / rotary.Factor),
            RotaryScaling.Llama3 => Array.ConvertAll(plain, f => Llama3(f, rotary)),
            RotaryScaling.Yarn => Yarn(plain, size, rotary),
            _ => throw new ArgumentOutOfRangeException(nameof(rotary), rotary.Scaling, null),
        };
    }

    /// <summary>The factor on cosines and sines, by which YaRN sharpens attention.</summary>
    public static double AttentionFactor(RotaryConfiguration rotary) =>
        rotary.Scaling == RotaryScaling.Yarn ? rotary.AttentionFactor ?? Sharpness(rotary.Factor, 1) : 1;

    /// <summary>YaRN's 0.1·m·ln s + 1 for texts s times as long.</summary>
    public static double Sharpness(double factor, double scale) => factor <= 1 ? 1 : 0.1 * scale * Math.Log(factor) + 1;

    /// <summary>Llama 3.1: slow waves are stretched, fast ones kept, those between blended.</summary>
    private static double Llama3(double frequency, RotaryConfiguration rotary)
    {
        double turns = rotary.OriginalMaxPositions * frequency / (2 * Math.PI);
        double keep = Math.Clamp((turns - rotary.LowFrequencyFactor) / (rotary.HighFrequencyFactor - rotary.LowFrequencyFactor), 0, 1);
        return (1 - keep) * frequency / rotary.Factor + keep * frequency;
    }

    /// <summary>YaRN (Peng et al. 2023): dimensions that turn often are kept, those that turn less than once stretched.</summary>
    private static double[] Yarn(double[] plain, int size, RotaryConfiguration rotary)
    {
        double Dimension(double turns) => size * Math.Log(rotary.OriginalMaxPositions / (turns * 2 * Math.PI)) / (2 * Math.Log(rotary.Theta));
        double low = Dimension(rotary.BetaFast), high = Dimension(rotary.BetaSlow);
        if (rotary.WholeDimensions)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, size - 1));
        double width = high == low ? 0.001 : high - low;
        return [.. plain.Select((f, i) =>
        {
            double stretch = Math.Clamp((i - low) / width, 0, 1);
            return stretch * f / rotary.Factor + (1 - stretch) * f;
        })];
    }
}
