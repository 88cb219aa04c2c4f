using System.Globalization;

namespace Microsoft.ML.Peft.Benchmarks.Charts;

/// <summary>Recorded results as tables in Markdown: speed beside the naive way's, memory beside the naive way's, and what is measured alone.</summary>
internal static class ResultTable
{
    private static readonly Comparison[] Comparisons =
    [
        new("train-speed", "rows/s", "examplesPerSecond", "naiveExamplesPerSecond", "naiveRatio", "mfu"),
        new("score-speed", "rows/s", "rowsPerSecond", "naiveRowsPerSecond", "naiveRatio", "mfu"),
        new("score-speed", "rows/s", "singleRowsPerSecond", "naiveSingleRowsPerSecond", "naiveSingleRatio", null, ", single rows"),
        new("generate-speed", "s", "firstTokenSeconds", "naiveFirstTokenSeconds", "naiveFirstTokenRatio", "mfu", ", first token"),
        new("generate-speed", "tokens/s", "tokensPerSecond", "naiveTokensPerSecond", "naiveTokensRatio", "decodingMfu", ", further tokens"),
    ];

    /// <summary>The tables' lines; of the same measurement the last result counts.</summary>
    public static IReadOnlyList<string> Lines(FileInfo file)
    {
        var results = RecordedResult.Read(file).GroupBy(result => result.Identity).Select(same => same.Last()).ToList();
        if (results.Count == 0)
            throw new InvalidDataException($"'{file}' has no results; record some there, one line of JSON each.");
        return [.. Speed(results), .. Memory(results), .. Alone(results)];
    }

    /// <summary>Replaces what stands in a Markdown file between the two lines that mark the place.</summary>
    public static void PutInto(FileInfo page, IReadOnlyList<string> lines)
    {
        string[] before = File.ReadAllLines(page.FullName);
        int start = Array.IndexOf(before, "<!-- results -->"), end = Array.IndexOf(before, "<!-- end of results -->");
        if (start < 0 || end < start)
            throw new InvalidDataException($"'{page}' has no place for the tables; put the lines <!-- results --> and <!-- end of results --> where they go.");
        File.WriteAllLines(page.FullName, [.. before[..(start + 1)], "", .. lines, .. before[end..]]);
    }

    private static IEnumerable<string> Speed(IReadOnlyList<RecordedResult> results)
    {
        var rows = results.SelectMany(result => Comparisons.Where(c => c.Benchmark == result.Benchmark && result.Number(c.Own) is not null).Select(c => c.Row(result))).ToList();
        if (rows.Count == 0)
            return [];
        double[] products = [.. results.Select(result => result.Number("gemmGigaflops")).OfType<double>()];
        string machine = products.Length == 0
            ? ""
            : Invariant($"The machine's matrix product in the same runs: {products.Min():0} to {products.Max():0} GFLOP/s, median {Median.Of(products):0}.");
        return ["| model | work | library | naive way | times as fast | MFU |", "|---|---|---:|---:|---:|---:|", .. rows, "", machine, ""];
    }

    private static IEnumerable<string> Memory(IReadOnlyList<RecordedResult> results)
    {
        var rows = results.Where(result => result.Benchmark == "memory").GroupBy(result => (result.Model, result.Work)).Select(same =>
        {
            string Growth(bool naive, bool again) =>
                same.FirstOrDefault(result => result.Flag("naive") == naive && result.Flag("gradientCheckpointing") == again)?.Number("memoryGrowthMegabytes") is { } value ? Invariant($"{value:0} MB") : "";
            return $"| {same.Key.Model} | {same.Key.Work} | {Growth(false, false)} | {Growth(false, true)} | {Growth(true, false)} |";
        }).ToList();
        return rows.Count == 0 ? [] : ["| model | memory that training steps take | library | with GradientCheckpointing | naive way |", "|---|---|---:|---:|---:|", .. rows, ""];
    }

    private static IEnumerable<string> Alone(IReadOnlyList<RecordedResult> results)
    {
        List<string> rows =
        [
            .. from result in results
               where result.Benchmark == "start-up"
               select Invariant($"| {result.Model} | {result.Work}: a new process's first prediction | {result.Number("firstPredictionSeconds"):0.00} s |"),
            .. from result in results
               where result.Benchmark == "score-speed" && result.Number("bareRowsPerSecond") is not null
               select Invariant($"| {result.Model} | {result.Work}: time of `PredictionEngine` for a row, in that of the frozen model alone | {result.Number("bareRowsPerSecond") / result.Number("singleRowsPerSecond"):0.00} |"),
        ];
        return rows.Count == 0 ? [] : ["| model | work | |", "|---|---|---:|", .. rows, ""];
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>A measurement with its fields: the library's, the naive way's, their ratio, and what part of the machine's matrix product it is.</summary>
    private sealed record Comparison(string Benchmark, string Unit, string Own, string Naive, string Ratio, string? Mfu, string Suffix = "")
    {
        public string Row(RecordedResult result)
        {
            string ratio = result.Number(Ratio) is { } times ? Invariant($"{times:0.0}") : "";
            string mfu = Mfu is not null && result.Number(Mfu) is { } part ? Invariant($"{part:0 %}") : "";
            return $"| {result.Model} | {result.Work}{Suffix} | {Value(result.Number(Own))} | {Value(result.Number(Naive))} | {ratio} | {mfu} |";
        }

        private string Value(double? value) => value switch
        {
            null => "",
            < 10 => Invariant($"{value:0.00} {Unit}"),
            _ => Invariant($"{value:0} {Unit}"),
        };
    }
}
