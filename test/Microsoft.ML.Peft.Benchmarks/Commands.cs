using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Peft.Benchmarks.Micro;
using TorchSharp;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>The program's commands and their options.</summary>
internal sealed class Commands
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly Option<string?> _model = new("--model") { Description = "The frozen model's directory. Default: the embedded model." };
    private readonly Option<FileInfo> _train = new("--train") { Description = "Training rows: a TSV with the header Text<TAB>Label.", Required = true };
    private readonly Option<FileInfo> _test = new("--test") { Description = "Test rows: a TSV with the header Text<TAB>Label.", Required = true };
    private readonly Option<FileInfo?> _unreadTest = new("--test") { Description = "Not read: accepted so that train-speed and score-speed take the same arguments." };
    private readonly Option<string> _method = new("--method") { Description = "The method.", DefaultValueFactory = _ => "prefix" };
    private readonly Option<string[]> _options = new("--options") { Description = "Further options of the method, such as LearningRate=0.01.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<int?> _virtualTokens = new("--virtual-tokens") { Description = "The number of virtual tokens. Default: the method's, 20." };
    private readonly Option<int?> _batch = new("--batch") { Description = "Rows per training step; scoring chooses its own batches. Default: the method's, 32." };
    private readonly Option<string> _precision = new("--precision") { Description = "The number format of the frozen weights.", DefaultValueFactory = _ => "auto" };
    private readonly Option<int?> _rounds = new("--rounds") { Description = "Rounds to take medians of. Default: as many as take about 25 seconds, at least 3." };
    private readonly Option<int?> _threads = new("--threads") { Description = "libtorch's threads. Default: libtorch's choice.", Recursive = true };
    private readonly Option<int?> _epochs = new("--epochs") { Description = "MaxEpochs. Default: the method's." };
    private readonly Option<int[]> _seeds = new("--seed") { Description = "One run per seed.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [1] };
    private readonly Option<bool> _verbose = new("--verbose") { Description = "The training log on the error stream." };
    private readonly Argument<string[]> _rest = new("arguments") { Description = "BenchmarkDotNet's own arguments, behind --." };

    public Commands()
    {
        _method.AcceptOnlyFromAmong(MethodOptions.Methods);
        _precision.AcceptOnlyFromAmong("float32", "bfloat16", "auto");
        foreach (var option in new[] { _rounds, _threads })
        {
            option.Validators.Add(result =>
            {
                if (result.Tokens is [var token] && int.TryParse(token.Value, out int count) && count < 1)
                    result.AddError($"{option.Name} is {count}; it must be at least 1.");
            });
        }
    }

    public RootCommand Root()
    {
        var quality = new System.CommandLine.Command("quality",
            "Trains a method and prints its test accuracy beside the linear probe's.\n" +
            "Example: quality --train train.tsv --test test.tsv --method prompt --options VirtualTokens=100 --seed 1 2 3")
        { _model, _train, _test, _method, _epochs, _seeds, _options, _verbose };
        quality.SetAction(Quality);

        var trainSpeed = new System.CommandLine.Command("train-speed",
            "Measures training steps over batches of the training rows.\n" +
            "Example: train-speed --train train.tsv --method prefix --virtual-tokens 20 --batch 32 --precision bfloat16")
        { _model, _train, _unreadTest, _method, _virtualTokens, _batch, _precision, _rounds, _options };
        trainSpeed.SetAction(arguments => Print(TrainSpeedBenchmark.Run(
            SpeedOptions(arguments), arguments.GetRequiredValue(_train), arguments.GetRequiredValue(_method), arguments.GetValue(_rounds))));

        var scoreSpeed = new System.CommandLine.Command("score-speed",
            "Measures predictions for the test rows by a pipeline fitted to one training row per class.\n" +
            "Example: score-speed --train train.tsv --test test.tsv --method prompt --virtual-tokens 100 --precision float32")
        { _model, _train, _test, _method, _virtualTokens, _batch, _precision, _rounds, _options };
        scoreSpeed.SetAction(arguments => Print(ScoreSpeedBenchmark.Run(
            SpeedOptions(arguments), arguments.GetRequiredValue(_train), arguments.GetRequiredValue(_test), arguments.GetRequiredValue(_method), arguments.GetValue(_rounds))));

        var micro = new System.CommandLine.Command("micro",
            "Measures parts with BenchmarkDotNet: tokenizer, attention, batches.\n" +
            "Example: micro -- --filter *Attention*")
        { _rest };
        micro.SetAction(arguments =>
        {
            SetThreads(arguments);
            MicroBenchmarks.Run(arguments.GetValue(_rest)!);
        });

        return new RootCommand("Benchmarks of soft prompts. Every result but those of micro is one line of JSON.") { quality, trainSpeed, scoreSpeed, micro, _threads };
    }

    private void Quality(ParseResult arguments)
    {
        SetThreads(arguments);
        foreach (int seed in arguments.GetRequiredValue(_seeds))
        {
            var options = Options(arguments);
            options.MaxEpochs = arguments.GetValue(_epochs) ?? options.MaxEpochs;
            Print(QualityBenchmark.Run(
                options, arguments.GetRequiredValue(_train), arguments.GetRequiredValue(_test), arguments.GetRequiredValue(_method), seed, arguments.GetValue(_verbose)));
        }
    }

    private SoftPromptOptions SpeedOptions(ParseResult arguments)
    {
        SetThreads(arguments);
        var options = Options(arguments);
        options.VirtualTokens = arguments.GetValue(_virtualTokens) ?? options.VirtualTokens;
        options.BatchSize = arguments.GetValue(_batch) ?? options.BatchSize;
        if (arguments.GetResult(_precision) is { Implicit: false })
            options.Precision = Enum.Parse<Precision>(arguments.GetRequiredValue(_precision), ignoreCase: true);
        return options;
    }

    private SoftPromptOptions Options(ParseResult arguments)
    {
        var options = MethodOptions.Create(arguments.GetRequiredValue(_method), arguments.GetValue(_options) ?? []);
        options.Model = arguments.GetValue(_model) ?? options.Model;
        return options;
    }

    /// <summary>To be called before the first operation, after which libtorch has its threads.</summary>
    private void SetThreads(ParseResult arguments)
    {
        if (arguments.GetValue(_threads) is { } threads)
            torch.set_num_threads(threads);
    }

    private static void Print<T>(T result) => Console.WriteLine(JsonSerializer.Serialize(result, Json));
}
