using System.Text.Json;

namespace Microsoft.ML.Peft.Benchmarks.Charts;

/// <summary>How many times as fast as the naive way something is.</summary>
/// <param name="Model">The frozen model.</param>
/// <param name="Work">What is done.</param>
/// <param name="Precision">The library's number format; the naive way's is always 32-bit floats.</param>
/// <param name="Ratio">How many times.</param>
internal sealed record Speedup(string Model, string Work, string Precision, double Ratio)
{
    /// <summary>What is measured, by the field that holds its ratio.</summary>
    private static readonly (string Field, string Suffix)[] Ratios =
        [("naiveRatio", ""), ("naiveSingleRatio", ", single rows"), ("naiveFirstTokenRatio", ", first token"), ("naiveTokensRatio", ", further tokens")];

    /// <summary>Every ratio in recorded results, one JSON object per line; lines without one are passed over, and of the same measurement the last counts.</summary>
    public static IReadOnlyList<Speedup> Read(FileInfo file)
    {
        if (!file.Exists)
            throw new FileNotFoundException($"'{file}' does not exist; record results there, one line of JSON each.", file.FullName);
        var found = File.ReadLines(file.FullName)
            .Select((line, i) => (Line: line, Number: i + 1))
            .Where(line => !string.IsNullOrWhiteSpace(line.Line))
            .SelectMany(line => Parse(line.Line, $"'{file}' line {line.Number}"))
            .ToList();
        if (found.Count == 0)
            throw new InvalidDataException($"'{file}' has no result that was measured with --naive.");
        return [.. found.GroupBy(speedup => (speedup.Model, speedup.Work, speedup.Precision)).Select(same => same.Last())];
    }

    private static IReadOnlyList<Speedup> Parse(string line, string where)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var result = document.RootElement;
            return [.. Ratios.Where(ratio => result.TryGetProperty(ratio.Field, out _)).Select(ratio => new Speedup(
                Text(result, "model"), Describe(result) + ratio.Suffix, Text(result, "precision"), result.GetProperty(ratio.Field).GetDouble()))];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new InvalidDataException($"{where} is no result of this program: {e.Message}", e);
        }
    }

    private static string Describe(JsonElement result)
    {
        string verb = Text(result, "benchmark") switch { "train-speed" => "training", "score-speed" => "scoring", "generate-speed" => "writing", var other => other };
        string batch = verb == "writing" ? $", batch {result.GetProperty("batch").GetInt32()}" : "";
        return $"{verb}, {Text(result, "method")} {result.GetProperty("virtualTokens").GetInt32()}{batch}";
    }

    private static string Text(JsonElement result, string field) => result.GetProperty(field).GetString()!;
}
