using Microsoft.ML.Peft.Benchmarks;
using Microsoft.ML.Peft.Benchmarks.Naive;

namespace Microsoft.ML.Peft.Tests.Benchmarks;

/// <summary>The benchmarks' plain way and the library compute the same loss and the same gradient.</summary>
public sealed class NaiveTrainingTests
{
    private static readonly DataFile.Row[] Rows =
    [
        new() { Text = "the whale was there", Label = "the sea" },
        new() { Text = "he saw one ship, and the man on it was not now of his own mind", Label = "a boat upon the water" },
        new() { Text = "all that you see", Label = "the whole round sea and all that is in it" },
        new() { Text = "now", Label = "a boat" },
        new() { Text = "from this side of the ship to that", Label = "the sea" },
    ];

    public static TheoryData<string, string> Writers => Combine(
        ["tiny-gemma2", "tiny-gemma3", "tiny-gpt2", "tiny-gptneox", "tiny-llama", "tiny-llama3", "tiny-mistral", "tiny-opt", "tiny-phi3", "tiny-qwen2", "tiny-qwen3"]);

    public static TheoryData<string, string> Readers => Combine(["tiny-bert", "tiny-electra", "tiny-roberta", "tiny-llama"]);

    [Theory]
    [MemberData(nameof(Writers))]
    public void Texts_to_write_have_the_same_loss_and_gradient(string model, string method) => Check(model, method, "generation");

    [Theory]
    [MemberData(nameof(Readers))]
    public void Classes_have_the_same_loss_and_gradient(string model, string method) => Check(model, method, "classification");

    [Theory]
    [InlineData(nameof(Pooling.Mean))]
    [InlineData(nameof(Pooling.Cls))]
    [InlineData(nameof(Pooling.HuggingFace))]
    public void Every_pooling_has_the_same_loss_and_gradient(string pooling)
    {
        foreach (string method in (string[])["prompt", "prefix"])
            Check("tiny-bert", method, "classification", $"Pooling={pooling}");
    }

    [Fact]
    public void Training_goes_down_the_same_way()
    {
        string model = Fixtures.Model("tiny-llama");
        using var backbone = PretrainedModel.Load(model, Precision.Float32);
        var work = TrainingWork.Create("generation", backbone, Options("prompt", "BatchSize=2"), Rows);
        using var training = new NaiveTraining(work, PretrainedModel.Load(model, Precision.Float32));
        double first = training.RunEpoch(), last = first;
        for (int epoch = 0; epoch < 10; epoch++)
            last = training.RunEpoch();
        Assert.True(last < 0.9 * first, $"{first} → {last}");
        Assert.True(training.PaddedTokensPerExample > work.Lengths.Average());
    }

    [Theory]
    [InlineData(3e-6, 0)]
    [InlineData(0, 2e-5)]
    [InlineData(double.NaN, 0)]
    [InlineData(0, double.NaN)]
    public void Numbers_that_differ_by_more_than_rounding_are_refused(double loss, double gradient)
    {
        Assert.Equal(new NaiveDifference(2e-6, 1e-5), new NaiveDifference(2e-6, 1e-5).Checked());
        Assert.Contains("disagree", Assert.Throws<InvalidOperationException>(() => new NaiveDifference(loss, gradient).Checked()).Message, StringComparison.Ordinal);
    }

    private static void Check(string model, string method, string task, params string[] options)
    {
        string directory = Fixtures.Model(model);
        using var backbone = PretrainedModel.Load(directory, Precision.Float32);
        var work = TrainingWork.Create(task, backbone, Options(method, options), Rows);
        using var naive = new NaiveTraining(work, PretrainedModel.Load(directory, Precision.Float32));
        naive.RunEpoch();       // a head starts at zero, where a soft prompt has no gradient
        var difference = naive.Compare();
        Assert.InRange(difference.Loss, 0, NaiveDifference.MostLoss);
        Assert.InRange(difference.Gradient, 0, NaiveDifference.MostGradient);
    }

    private static SoftPromptOptions Options(string method, params string[] options) => MethodOptions.Create(method, ["VirtualTokens=4", .. options]);

    private static TheoryData<string, string> Combine(string[] models)
    {
        var cases = new TheoryData<string, string>();
        foreach (string model in models)
        {
            foreach (string method in MethodOptions.Methods)
                cases.Add(model, method);
        }
        return cases;
    }
}
