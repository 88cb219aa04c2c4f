using Microsoft.ML.Peft.Cli.Projects;

namespace Microsoft.ML.Peft.Cli.Tests.Projects;

public sealed class TrainingConfigTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void What_is_written_is_read_again_and_makes_the_same_code()
    {
        SoftPromptOptions[] methods =
        [
            new PromptTuningOptions { Model = "m", MaxEpochs = 3, Seed = 5, LearningRate = 0.1 + 0.2, Initialization = PromptInitialization.RandomUniform, InitializationRange = 1 / 3.0 },
            new PrefixTuningOptions { Projection = true, TextColumnName = "本文 \"x\"", Precision = Precision.BFloat16, Progress = new Progress<TrainingProgress>() },
            new PTuningOptions { Encoder = PromptEncoder.Lstm, Generation = new GenerationOptions { StopStrings = ["\n", "。"], TopP = 0.9 }, LabelWords = new Dictionary<string, string> { ["a"] = "b" } },
        ];
        foreach (var options in methods)
        {
            var config = Configs.Of(PredictionTask.Multiclass, options: options) with
            {
                RunHistory = new RunHistory("Accuracy", false, 1, "So be it.", [new RunTrial(1, "prefix", false, 0.1 + 0.2, 3, 1.5, new Dictionary<string, object?> { ["LearningRate"] = 1 / 3.0, ["Model"] = null, ["Pooling"] = "Mean" })]),
            };
            string json = config.ToJson();
            var read = TrainingConfig.Read(_directory.Write("x.mbconfig", json));
            Assert.Equal(json, read.ToJson());
            Assert.Equal(TrainingCode.Text(config, "P"), TrainingCode.Text(read, "P"));
            Assert.IsType(options.GetType(), read.TrainingOption);
        }
    }

    [Fact]
    public void Options_are_written_as_what_differs_from_the_defaults()
    {
        string json = Configs.Of(PredictionTask.Binary, options: new PrefixTuningOptions { VirtualTokens = 8 }).ToJson();
        Assert.Contains("""
              "TrainingOption": {
                "Method": "PrefixTuning",
                "VirtualTokens": 8
              },
            """, json);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""{ "Type": "TrainingConfig", "Version": 5, "Scenario": "Classification" }""")]
    public void A_file_of_others_is_refused(string content) =>
        Assert.Contains("is no training configuration that peftml has written", Assert.Throws<InvalidDataException>(() => TrainingConfig.Read(_directory.Write("x.mbconfig", content))).Message);

    public void Dispose() => _directory.Dispose();
}
