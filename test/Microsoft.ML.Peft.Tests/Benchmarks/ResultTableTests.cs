using Microsoft.ML.Peft.Benchmarks.Charts;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Benchmarks;

public sealed class ResultTableTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void Speed_stands_beside_the_naive_ways_and_the_machines()
    {
        string lines = Lines(
            """{"benchmark":"train-speed","model":"m","method":"prefix","virtualTokens":20,"batch":32,"precision":"Float32","examplesPerSecond":9.5,"naiveExamplesPerSecond":3.8,"naiveRatio":2.5,"mfu":0.75,"gemmGigaflops":100}""",
            """{"benchmark":"train-speed","model":"m","method":"prefix","virtualTokens":20,"batch":32,"precision":"Float32","examplesPerSecond":95,"naiveExamplesPerSecond":38,"naiveRatio":2.4,"mfu":0.7,"gemmGigaflops":110}""",
            """{"benchmark":"generate-speed","model":"w","method":"prompt","virtualTokens":100,"batch":8,"precision":"Float32","firstTokenSeconds":0.25,"naiveFirstTokenSeconds":1,"naiveFirstTokenRatio":4,"tokensPerSecond":80,"gemmGigaflops":90}""");
        Assert.Contains("| m | training, prefix 20 | 95 rows/s | 38 rows/s | 2.4 | 70 % |", lines, StringComparison.Ordinal);
        Assert.DoesNotContain("9.50 rows/s", lines, StringComparison.Ordinal);
        Assert.Contains("| w | writing, prompt 100, batch 8, first token | 0.25 s | 1.00 s | 4.0 |  |", lines, StringComparison.Ordinal);
        Assert.Contains("| w | writing, prompt 100, batch 8, further tokens | 80 tokens/s |  |  |  |", lines, StringComparison.Ordinal);
        Assert.Contains("90 to 110 GFLOP/s, median 100.", lines, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_of_three_ways_stands_in_one_row()
    {
        const string memory = """{"benchmark":"memory","model":"m","method":"prompt","virtualTokens":100,"batch":8,"precision":"Float32","naive":NAIVE,"gradientCheckpointing":AGAIN,"memoryGrowthMegabytes":MB}""";
        string Line(string naive, string again, string megabytes) =>
            memory.Replace("NAIVE", naive, StringComparison.Ordinal).Replace("AGAIN", again, StringComparison.Ordinal).Replace("MB", megabytes, StringComparison.Ordinal);
        Assert.Contains("| m | memory, prompt 100 | 518 MB | 200 MB | 1851 MB |", Lines(Line("false", "false", "518.2"), Line("true", "false", "1851"), Line("false", "true", "199.6")), StringComparison.Ordinal);
    }

    [Fact]
    public void What_has_nothing_beside_it_stands_alone()
    {
        string lines = Lines(
            """{"benchmark":"start-up","model":"m","method":"prefix","virtualTokens":20,"precision":"Float32","firstPredictionSeconds":1.234}""",
            """{"benchmark":"score-speed","model":"m","method":"prefix","virtualTokens":20,"precision":"Float32","rowsPerSecond":300,"singleRowsPerSecond":100,"bareRowsPerSecond":120}""");
        Assert.Contains("| m | start-up, prefix 20: a new process's first prediction | 1.23 s |", lines, StringComparison.Ordinal);
        Assert.Contains("in that of the frozen model alone | 1.20 |", lines, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_gets_the_tables_where_it_has_a_place_for_them()
    {
        var page = new FileInfo(_directory.File("page.md"));
        File.WriteAllLines(page.FullName, ["before", "<!-- results -->", "old", "<!-- end of results -->", "after"]);
        ResultTable.PutInto(page, ["| new |", ""]);
        Assert.Equal(["before", "<!-- results -->", "", "| new |", "", "<!-- end of results -->", "after"], File.ReadAllLines(page.FullName));
        File.WriteAllText(page.FullName, "no place");
        Assert.Throws<InvalidDataException>(() => ResultTable.PutInto(page, []));
    }

    [Fact]
    public void A_file_without_results_is_refused() =>
        Assert.Contains("has no results", Assert.Throws<InvalidDataException>(() => Lines("")).Message, StringComparison.Ordinal);

    public void Dispose() => _directory.Dispose();

    private string Lines(params string[] results)
    {
        File.WriteAllLines(_directory.File("results.jsonl"), results);
        return string.Join('\n', ResultTable.Lines(new FileInfo(_directory.File("results.jsonl"))));
    }
}
