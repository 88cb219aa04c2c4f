using Microsoft.ML.Peft.Benchmarks;
using Microsoft.ML.Peft.Benchmarks.AutoMl;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Benchmarks;

/// <summary>Every measurement runs from files to a result; how fast is not asked.</summary>
public sealed class MeasurementsTests : IDisposable
{
    private const string Writer = "tiny-llama";
    private const string Reader = "tiny-bert";

    private readonly TemporaryDirectory _directory = new();
    private readonly FileInfo _pairs;
    private readonly FileInfo _classes;
    private readonly FileInfo _texts;

    public MeasurementsTests()
    {
        (_pairs, _classes, _texts) = (new FileInfo(_directory.File("pairs.tsv")), new FileInfo(_directory.File("classes.tsv")), new FileInfo(_directory.File("texts.jsonl")));
        var stories = Stories.Rows(24);
        File.WriteAllLines(_pairs.FullName, stories.Select(story => $"{story.Text}\t{story.Label}").Prepend("Text\tLabel"));
        var rows = TinyTraining.Classes(24, classes: 3);
        File.WriteAllLines(_classes.FullName, rows.Texts.Select((text, i) => $"{text}\tclass {rows.Labels[i]}").Prepend("Text\tLabel"));
        File.WriteAllLines(_texts.FullName, stories.Take(5).Select(story => $$"""{"text": "{{story.Text}}", "references": ["{{story.Label}}", "a ship"]}"""));
    }

    [Theory]
    [InlineData(Reader, "classification")]
    [InlineData(Writer, "generation")]
    public void Training_is_measured_beside_the_naive_way(string model, string task)
    {
        var train = task == "generation" ? _pairs : _classes;
        var result = TrainSpeedBenchmark.Run(Options(model, "prefix"), train, task, "prefix", naive: true, rounds: 1);
        Assert.Equal((model, task, 4, 1), (result.Model, result.Task, result.Batch, result.Rounds));
        AssertPositive(result.ExamplesPerSecond, result.TokensPerSecond, result.GemmGigaflops, result.Mfu, result.NaiveExamplesPerSecond, result.NaiveRatio);
        Assert.True(result.NaiveTokensPerExample >= result.TokensPerExample);
        var alone = TrainSpeedBenchmark.Run(Options(model, "prefix"), train, task, "prefix", naive: false, rounds: 1);
        Assert.Null(alone.NaiveRatio);
        Assert.Equal(alone.Loss, result.Loss);
    }

    [Fact]
    public void Predictions_are_measured_beside_the_naive_way()
    {
        var result = ScoreSpeedBenchmark.Run(Options(Reader, "prompt"), _classes, _classes, "prompt", naive: true, rounds: 1);
        AssertPositive(result.RowsPerSecond, result.SingleRowsPerSecond, result.BareRowsPerSecond, result.NaiveRatio, result.NaiveSingleRatio, result.Mfu);
    }

    [Fact]
    public void Written_predictions_are_measured_beside_the_naive_way()
    {
        var result = WriteSpeedBenchmark.Run(Options(Writer, "prefix"), _pairs, _texts, "prefix", newTokens: 6, naive: true, rounds: 1);
        AssertPositive(result.RowsPerSecond, result.SingleRowsPerSecond, result.TokensPerSecond, result.NaiveRatio, result.NaiveSingleRatio, result.Mfu);
        Assert.InRange(result.NewTokensPerRow, 1, 6);
    }

    [Fact]
    public void Callers_at_the_same_time_are_measured_beside_one()
    {
        var result = ConcurrentWritingBenchmark.Run(Options(Writer, "prefix"), _texts, "prefix", callers: 2, newTokens: 6, rounds: 1);
        Assert.Equal((Writer, 2, 4, 1), (result.Model, result.Concurrent, result.Texts, result.Rounds));
        AssertPositive(result.TokensPerSecond, result.OneByOneTokensPerSecond, result.ConcurrentRatio, result.FirstTokenSeconds, result.OneByOneFirstTokenSeconds);
        Assert.Equal(1, result.SameTexts);
    }

    [Theory]
    [InlineData(Reader, "classification")]
    [InlineData(Writer, "generation")]
    public void The_memory_of_adapters_is_measured(string model, string task)
    {
        var result = AdapterMemoryBenchmark.Run(Options(model, "prefix"), task == "generation" ? _pairs : _classes, task, "prefix", adapters: 5);
        Assert.Equal((model, task, 5), (result.Model, result.Task, result.Adapters));
        AssertPositive(result.BaseMemoryMegabytes, result.MemoryMegabytes, result.FrozenWeightsMegabytes, result.AdapterFileKilobytes, result.MixedRowsPerSecond, result.OneAdapterRowsPerSecond);
    }

    [Fact]
    public void The_first_token_and_further_ones_are_measured_beside_the_naive_way()
    {
        var result = GenerateSpeedBenchmark.Run(Options(Writer, "prompt"), _texts, "prompt", batch: 2, newTokens: 4, naive: true, rounds: 1);
        AssertPositive(result.FirstTokenSeconds, result.TokensPerSecond, result.NaiveFirstTokenRatio, result.NaiveTokensRatio, result.Mfu, result.DecodingMfu);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Memory_is_measured_of_one_way_at_a_time(bool naive)
    {
        var result = MemoryBenchmark.Run(Options(Writer, "prompt"), _pairs, "generation", "prompt", naive);
        Assert.Equal((naive, 6), (result.Naive, result.Steps));
        Assert.True(result.PeakMemoryMegabytes >= result.LoadedMemoryMegabytes);
    }

    [Fact]
    public void So_is_the_memory_of_layers_that_are_computed_again()
    {
        var options = Options(Writer, "prefix");
        options.GradientCheckpointing = true;
        var result = MemoryBenchmark.Run(options, _pairs, "generation", "prefix", naive: false);
        Assert.Equal((true, 6), (result.GradientCheckpointing, result.Steps));
        Assert.Throws<ArgumentException>(() => MemoryBenchmark.Run(options, _pairs, "generation", "prefix", naive: true));
    }

    [Fact]
    public void New_processes_are_measured_to_their_first_prediction()
    {
        var result = StartUpBenchmark.Run(Options(Reader, "prefix"), _classes, "prefix", rounds: 1);
        Assert.Equal((Reader, 4, 1), (result.Model, result.VirtualTokens, result.Rounds));
        AssertPositive(result.RuntimeSeconds, result.LoadSeconds, result.EngineSeconds, result.PredictSeconds, result.PredictAgainSeconds, result.PeakMemoryMegabytes);
        Assert.True(result.FirstPredictionSeconds >= result.LoadSeconds);
    }

    [Fact]
    public void Texts_are_written_and_compared_with_all_their_references()
    {
        var output = new FileInfo(_directory.File("written.jsonl"));
        var options = Options(Writer, "prefix");
        options.MaxEpochs = 1;
        options.Generation = new GenerationOptions { MaxNewTokens = 4 };
        var result = GenerationQualityBenchmark.Run(options, _pairs, _texts, "prefix", limit: 20, seed: 1, verbose: false, output);
        Assert.Equal((20, 5, 1), (result.Pairs, result.Texts, result.Epochs));
        Assert.InRange(result.Bleu4, 0, 100);
        Assert.InRange(result.RougeL, 0, 100);
        AssertPositive(result.Loss, result.BaseLoss, result.Seconds);
        var written = ReferencedText.Read(output);
        Assert.Equal(ReferencedText.Read(_texts).Select(text => text.Text), written.Select(text => text.Text));
    }

    [Fact]
    public void A_search_tells_what_it_spent_and_how_good_its_winner_is_beside_the_defaults()
    {
        var settings = new AutoMlBenchmark.Settings(Fixtures.Model(Reader), ["prefix", "prompt"], ["BatchSize=4"], Precision.Float32, Trials: 4, Epochs: 1, ReductionFactor: 3, Refit: true, Defaults: true);
        var rows = ClassRows.Draw(DataFile.Read(_classes), train: 4, validation: 2);
        // One trial at a time: two would share libtorch's threads, which are the whole process's, and tests beside this one compare bits.
        var result = AutoMlBenchmark.Run(settings, rows, rows.All, "random", concurrency: 1, seed: 1, verbose: false);
        Assert.Equal((4, 0, 12, 6), (result.Trials, result.Failed, result.TrainRows, result.ValidationRows));
        Assert.Equal((4, 4 * 3), (result.Epochs, result.Steps));
        Assert.Equal(["prefix", "prompt"], result.DefaultAccuracies!.Keys);
        Assert.Equal(result.Validation, result.Best[^1].Metric);
        Assert.Equal(result.Best.OrderBy(point => point.Metric), result.Best);
        Assert.InRange(result.Accuracy, 0, 1);
        AssertPositive(result.LogLoss, result.SearchSeconds, result.TrialsPerMinute, result.PeakMemoryMegabytes);
    }

    [Fact]
    public void An_encoder_cannot_be_measured_writing() => Assert.Contains(
        "encoder", Assert.Throws<NotSupportedException>(() => GenerateSpeedBenchmark.Run(Options(Reader, "prefix"), _texts, "prefix", 1, 4, naive: false, rounds: 1)).Message, StringComparison.Ordinal);

    public void Dispose() => _directory.Dispose();

    private static SoftPromptOptions Options(string model, string method)
    {
        var options = MethodOptions.Create(method, ["VirtualTokens=4", "BatchSize=4", "Seed=1"]);
        (options.Model, options.Precision) = (Fixtures.Model(model), Precision.Float32);
        return options;
    }

    private static void AssertPositive(params double?[] values) => Assert.All(values, value => Assert.True(value is > 0 && double.IsFinite(value.Value), $"{value}"));
}
