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
        var found = RecordedResult.Read(file)
            .SelectMany(result => Ratios.Where(ratio => result.Number(ratio.Field) is not null)
                .Select(ratio => new Speedup(result.Model, result.Work + ratio.Suffix, result.Precision, result.Number(ratio.Field)!.Value)))
            .ToList();
        if (found.Count == 0)
            throw new InvalidDataException($"'{file}' has no result that was measured with --naive.");
        return [.. found.GroupBy(speedup => (speedup.Model, speedup.Work, speedup.Precision)).Select(same => same.Last())];
    }
}
