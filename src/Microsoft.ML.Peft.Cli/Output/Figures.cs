namespace Microsoft.ML.Peft.Cli.Output;

/// <summary>Numbers as people read them.</summary>
internal static class Figures
{
    public static string Time(TimeSpan time) => time.TotalHours >= 1 ? $"{Math.Floor(time.TotalHours):0}:{time:mm\\:ss}" : $"{time:mm\\:ss}";

    public static string Bytes(long bytes) => bytes switch
    {
        < 1000 => $"{bytes} B",
        < 1_000_000 => $"{bytes / 1e3:0.#} KB",
        < 1_000_000_000 => $"{bytes / 1e6:0.#} MB",
        _ => $"{bytes / 1e9:0.##} GB",
    };

    public static string Count(long count) => count switch
    {
        < 10_000 => $"{count}",
        < 1_000_000 => $"{count / 1e3:0.#} thousand",
        < 1_000_000_000 => $"{count / 1e6:0.#} million",
        _ => $"{count / 1e9:0.##} billion",
    };

    public static string Points(double difference) => $"{100 * difference:+0.0;-0.0;0.0} points";
}
