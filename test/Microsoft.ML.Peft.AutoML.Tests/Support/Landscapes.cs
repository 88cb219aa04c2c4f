using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML.Tests.Support;

/// <summary>Made-up searches whose best score, 0, is known.</summary>
internal static class Landscapes
{
    private static readonly MethodSpace Smooth = new("smooth",
    [
        new NumericDimension("rate", 1e-4, 1, log: true, integer: false, 0.5),
        new NumericDimension("tokens", 1, 200, log: true, integer: true, 150),
        new NumericDimension("dropout", 0, 0.5, log: false, integer: false, 0.45),
        new ChoiceDimension("start", ["zeros", "normal", "text", "words"], "zeros"),
    ]);

    private static readonly MethodSpace Rough = new("rough",
    [
        new NumericDimension("rate", 1e-4, 1, log: true, integer: false, 1e-4),
        new ChoiceDimension("wide", [false, true], false),
    ]);

    private static readonly MethodSpace Flat = new("flat", [new NumericDimension("size", 1, 9, log: false, integer: true, 1)]);

    public static IReadOnlyList<MethodSpace> One { get; } = [Smooth];

    public static IReadOnlyList<MethodSpace> Three { get; } = [Flat, Rough, Smooth];

    /// <summary>
    /// 0 at the best configuration, the smooth method with rate 0.01, 20 tokens, dropout 0.1, started from text; below everywhere else.
    /// </summary>
    public static double Score(Configuration configuration)
    {
        var value = configuration.Space.Dimensions.Zip(configuration.Values).ToDictionary(pair => pair.First.Name, pair => pair.Second);
        double Off(string name, double best, double scale) => Math.Pow(Math.Log10(Convert.ToDouble(value[name]) / best) / scale, 2);
        return configuration.Space.Method switch
        {
            "smooth" => -Off("rate", 0.01, 1.5) - Off("tokens", 20, 1.5) - 4 * Math.Pow((double)value["dropout"]! - 0.1, 2)
                - (string)value["start"]! switch { "text" => 0, "words" => 0.1, "zeros" => 0.3, _ => 0.6 },
            "rough" => -0.5 - Off("rate", 0.1, 1) - ((bool)value["wide"]! ? 0 : 0.2),
            _ => -1 - (int)value["size"]! / 10.0,
        };
    }

    /// <summary>A learning curve that ends at <see cref="Score(Configuration)"/>, at different speeds, so that early epochs mislead a little.</summary>
    public static double Score(Configuration configuration, int epochs, int maxEpochs)
    {
        int hash = Math.Abs(StableNumber(configuration.Key));
        double speed = 2 + hash % 4, noise = (hash / 7 % 100 - 50) / 50.0;
        double untrained = (Math.Exp(-speed * epochs / maxEpochs) - Math.Exp(-speed)) / (1 - Math.Exp(-speed));
        return Score(configuration) * (1 - untrained) - 2 * untrained + 0.05 * noise * (1 - epochs / (double)maxEpochs);
    }

    private static int StableNumber(string text) => Convert.ToInt32(StableHash.Hex(text)[..7], 16);
}
