using Microsoft.ML.Peft.Benchmarks.AutoMl;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Benchmarks;

public sealed class TunerComparisonTests : IDisposable
{
    private const string Random = """{"benchmark":"automl","tuner":"random","seed":1,"trainRows":100,"validation":0.8,"steps":900,"best":[{"steps":100,"metric":0.7},{"steps":600,"metric":0.8}]}""";
    private const string Asha = """{"benchmark":"automl","tuner":"asha","seed":1,"trainRows":100,"validation":0.9,"steps":300,"best":[{"steps":50,"metric":0.6},{"steps":200,"metric":0.8},{"steps":290,"metric":0.9}]}""";

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void The_steps_to_the_other_tuners_best_are_compared_with_its_whole_search()
    {
        var result = Assert.Single(Read("asha", "random", Random, "", """{"benchmark":"quality","accuracy":0.9}""", Asha));
        Assert.Equal((1, 0.8, 900, 200, 200 / 900.0, 0.9, 300), (result.Seed, result.Target, result.AgainstSteps, result.StepsToTarget, result.Ratio, result.Validation, result.Steps));
    }

    [Fact]
    public void A_tuner_that_never_gets_there_has_no_ratio()
    {
        var result = Assert.Single(Read("random", "asha", Random, Asha));
        Assert.Null(result.StepsToTarget);
        Assert.Null(result.Ratio);
    }

    [Fact]
    public void Searches_of_other_seeds_or_rows_are_not_compared()
    {
        string other = Asha.Replace("\"seed\":1", "\"seed\":2", StringComparison.Ordinal);
        Assert.Contains("no seed", Assert.Throws<InvalidDataException>(() => Read("asha", "random", Random, other)).Message, StringComparison.Ordinal);
        string fewer = Asha.Replace("100", "50", StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => Read("asha", "random", Random, fewer));
    }

    [Fact]
    public void What_is_no_result_is_refused() => Assert.Throws<InvalidDataException>(() => Read("asha", "random", "speed: 5"));

    public void Dispose() => _directory.Dispose();

    private IReadOnlyList<TunerComparison.Result> Read(string tuner, string against, params string[] lines)
    {
        var file = new FileInfo(_directory.File("results.jsonl"));
        File.WriteAllLines(file.FullName, lines);
        return TunerComparison.Read(file, tuner, against);
    }
}
