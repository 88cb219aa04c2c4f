using Microsoft.ML.Peft.Benchmarks.Naive;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Benchmarks;

/// <summary>The benchmarks' plain way and the library predict the same.</summary>
public sealed class NaiveScoringTests
{
    [Theory]
    [InlineData("tiny-bert", "prompt tuning")]
    [InlineData("tiny-bert", "projected prefix tuning")]
    [InlineData("tiny-llama", "P-tuning with an MLP")]
    [InlineData("tiny-llama", "prefix tuning")]
    public void Texts_get_the_same_probabilities_in_batches_of_any_size(string model, string method)
    {
        string directory = Fixtures.Model(model);
        using var backbone = PretrainedModel.Load(directory, Precision.Float32);
        var rows = TinyTraining.Classes(12, classes: 3);
        var (trained, _) = new TinyTraining().Run(backbone, rows, method: method);
        using var owned = trained;
        using var naive = new NaiveScoring(trained, directory, method.Contains("prefix", StringComparison.Ordinal), backbone.Configuration.MaxPositions - 4);
        Assert.InRange(naive.Compare(rows.Texts, batch: 5), 0, 1e-5);
        Assert.InRange(naive.Compare(rows.Texts, batch: 1), 0, 1e-5);
    }
}
