using Microsoft.ML.Peft.Benchmarks.Charts;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Benchmarks;

public sealed class SpeedupTests : IDisposable
{
    private const string Training = """{"benchmark":"train-speed","model":"m","task":"classification","method":"prefix","virtualTokens":20,"batch":32,"precision":"Float32","naiveRatio":2.5}""";
    private const string Writing =
        """{"benchmark":"generate-speed","model":"m","method":"prompt","virtualTokens":100,"batch":8,"precision":"BFloat16","naiveFirstTokenRatio":5,"naiveTokensRatio":2}""";

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void Every_ratio_is_read_and_of_the_same_measurement_the_last()
    {
        var speedups = Read(Training, "", """{"benchmark":"quality","accuracy":0.9}""", Writing, Training.Replace("2.5", "3", StringComparison.Ordinal));
        Assert.Equal(
            [
                new Speedup("m", "training, prefix 20", "Float32", 3), new Speedup("m", "writing, prompt 100, batch 8, first token", "BFloat16", 5),
                new Speedup("m", "writing, prompt 100, batch 8, further tokens", "BFloat16", 2),
            ], speedups);
    }

    [Fact]
    public void The_chart_is_a_picture_with_a_bar_and_a_number_for_each_ratio()
    {
        var picture = new FileInfo(_directory.File("chart.svg"));
        SpeedupChart.Save(Read(Training, Writing), picture);
        string svg = File.ReadAllText(picture.FullName);
        Assert.Contains("<svg", svg, StringComparison.Ordinal);
        foreach (string ratio in (string[])["2.5 ×", "5.0 ×", "2.0 ×", "m: training, prefix 20"])
            Assert.Contains(ratio, svg, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"benchmark":"train-speed","model":"m","method":"prefix","virtualTokens":20,"precision":"Float32"}""", "has no result that was measured with --naive")]
    [InlineData("""{"naiveRatio":2}""", "line 1 is no result of this program")]
    [InlineData("no JSON", "line 1 is no result of this program")]
    public void A_file_without_results_is_refused(string line, string problem) =>
        Assert.Contains(problem, Assert.Throws<InvalidDataException>(() => Read(line)).Message, StringComparison.Ordinal);

    public void Dispose() => _directory.Dispose();

    private IReadOnlyList<Speedup> Read(params string[] lines)
    {
        File.WriteAllLines(_directory.File("results.jsonl"), lines);
        return Speedup.Read(new FileInfo(_directory.File("results.jsonl")));
    }
}
