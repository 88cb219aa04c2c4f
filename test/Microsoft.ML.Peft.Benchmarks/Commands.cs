using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Peft.Benchmarks.AutoMl;
using Microsoft.ML.Peft.Benchmarks.Charts;
using Microsoft.ML.Peft.Benchmarks.Micro;
using Microsoft.ML.Peft.Checkpoints;
using TorchSharp;
using CliCommand = System.CommandLine.Command;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>The program's commands and their options.</summary>
internal sealed class Commands
{
    private const string Classification = "classification";
    private const string Generation = "generation";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    private readonly Option<string?> _model = new("--model") { Description = "The frozen model: a directory, a .gguf file or a name. Default: the embedded one." };
    private readonly Option<FileInfo> _train = new("--train") { Description = "Training rows: a TSV with the header Text<TAB>Label.", Required = true };
    private readonly Option<FileInfo> _test = new("--test") { Description = "Test rows: a TSV with the header Text<TAB>Label; for generation also JSON lines with text and references.", Required = true };
    private readonly Option<FileInfo?> _unreadTest = new("--test") { Description = "Not read: accepted so that all commands take the same arguments." };
    private readonly Option<FileInfo?> _otherTexts = new("--train") { Description = "Where the texts come from if there is no --test: a TSV with the header Text<TAB>Label." };
    private readonly Option<FileInfo?> _texts = new("--test") { Description = "The texts to write on: JSON lines with text and references, or a TSV with the header Text<TAB>Label." };
    private readonly Option<string> _task = new("--task") { Description = "What a label is: a class, or a text to write.", DefaultValueFactory = _ => TrainingWork.Tasks[0] };
    private readonly Option<string> _method = new("--method") { Description = "The method.", DefaultValueFactory = _ => "prefix" };
    private readonly Option<string[]> _options = new("--options") { Description = "Further options of the method, such as LearningRate=0.01.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<int?> _virtualTokens = new("--virtual-tokens") { Description = "The number of virtual tokens. Default: the method's, 20." };
    private readonly Option<int?> _batch = new("--batch") { Description = "Rows per training step; scoring chooses its own batches. Default: the method's, 32, for generation 8." };
    private readonly Option<int> _textBatch = new("--batch") { Description = "Texts that are written on at a time.", DefaultValueFactory = _ => 1 };
    private readonly Option<int> _newTokens = new("--new-tokens") { Description = "The most tokens written on a text.", DefaultValueFactory = _ => 32 };
    private readonly Option<string> _precision = new("--precision") { Description = "The number format of the frozen weights.", DefaultValueFactory = _ => "auto" };
    private readonly Option<bool> _naive = new("--naive") { Description = "Measures beside it, in the same rounds, what Hugging Face PEFT computes for the same rows, in 32-bit floats." };
    private readonly Option<bool> _onlyNaive = new("--naive") { Description = "Measures what Hugging Face PEFT computes for the same rows, in 32-bit floats, instead of the library." };
    private readonly Option<FileInfo?> _pipeline = new("--pipeline") { Description = "A saved pipeline to load in this process, instead of one that is trained and loaded by new processes." };
    private readonly Option<FileInfo?> _pipelineRows = new("--train") { Description = "Training rows of the pipeline: a TSV with the header Text<TAB>Label." };
    private readonly Option<bool> _checkpointing = new("--gradient-checkpointing") { Description = "Computes layers again for their gradients instead of keeping what they computed." };
    private readonly Option<int> _batches = new("--batches") { Description = "Training steps per round, over batches from the shortest texts to the longest.", DefaultValueFactory = _ => TrainingWork.UsualBatches };
    private readonly Option<int?> _concurrent = new("--concurrent") { Description = "Measures so many callers at the same time, beside one caller with the same texts." };
    private readonly Option<int?> _adapters = new("--adapters") { Description = "Measures instead the memory of so many further adapters over one frozen model." };
    private readonly Option<int?> _rounds = new("--rounds") { Description = "Rounds to take medians of. Default: as many as take about 25 seconds, at least 3." };
    private readonly Option<int?> _threads = new("--threads") { Description = "libtorch's threads. Default: libtorch's choice.", Recursive = true };
    private readonly Option<int?> _epochs = new("--epochs") { Description = "MaxEpochs. Default: the method's." };
    private readonly Option<int?> _limit = new("--limit") { Description = "Trains on the first rows only. Default: all." };
    private readonly Option<FileInfo?> _output = new("--output") { Description = "Where the written texts go, beside their references, as JSON lines. Default: nowhere." };
    private readonly Option<int[]> _seeds = new("--seed") { Description = "One run per seed.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [1] };
    private readonly Option<string[]> _methods = new("--method") { Description = "The methods to search. Default: all.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => MethodOptions.Methods };
    private readonly Option<string[]> _tuners = new("--tuner") { Description = "One search per tuner.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [AutoMlBenchmark.Tuners[0]] };
    private readonly Option<int> _trials = new("--trials") { Description = "The most trials of a search.", DefaultValueFactory = _ => 20 };
    private readonly Option<int[]> _concurrency = new("--concurrency") { Description = "One search per number of trials at a time.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [1] };
    private readonly Option<int?> _rowsPerClass = new("--rows-per-class") { Description = "Searches with so many training rows of each class. Default: all." };
    private readonly Option<int?> _validationRowsPerClass = new("--validation-rows-per-class") { Description = "Takes so many more of each class to compare trials by. Default: the search holds some out itself." };
    private readonly Option<int> _reductionFactor = new("--reduction-factor") { Description = "asha and bohb: of so many trials at a rung one goes on, to so many times the epochs.", DefaultValueFactory = _ => 3 };
    private readonly Option<bool> _noRefit = new("--no-refit") { Description = "Takes the winner as the search trained it, not trained anew on training and validation rows." };
    private readonly Option<bool> _defaults = new("--defaults") { Description = "Trains each method with its default options, too, on training and validation rows." };
    private readonly Option<string> _tuner = new("--tuner") { Description = "The tuner.", DefaultValueFactory = _ => "asha" };
    private readonly Option<string> _against = new("--against") { Description = "The tuner that it is compared with.", DefaultValueFactory = _ => "random" };
    private readonly Option<bool> _verbose = new("--verbose") { Description = "The training log on the error stream." };
    private readonly Option<FileInfo> _results = new("--input") { Description = "Recorded results, one line of JSON each.", Required = true };
    private readonly Option<FileInfo> _chart = new("--output") { Description = "The SVG file.", Required = true };
    private readonly Option<FileInfo?> _page = new("--into") { Description = "A Markdown file whose lines between <!-- results --> and <!-- end of results --> are replaced by the tables. Default: the output stream." };
    private readonly Option<FileInfo> _messages = new("--test") { Description = "The texts to send: a TSV with the header Text<TAB>Label.", Required = true };
    private readonly Option<int> _clients = new("--clients") { Description = "Clients at the same time.", DefaultValueFactory = _ => 16 };
    private readonly Option<int[]> _maxBatchRows = new("--batch-rows") { Description = "The server's setting MaxBatchRows; 1 is without batching. One run for each.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [32, 1] };
    private readonly Option<int> _seconds = new("--seconds") { Description = "How long to measure.", DefaultValueFactory = _ => 20 };
    private readonly Argument<string[]> _rest = new("arguments") { Description = "BenchmarkDotNet's own arguments, behind --." };

    public Commands()
    {
        _method.AcceptOnlyFromAmong(MethodOptions.Methods);
        _task.AcceptOnlyFromAmong(TrainingWork.Tasks);
        _precision.AcceptOnlyFromAmong("float32", "bfloat16", "auto");
        _methods.AcceptOnlyFromAmong(MethodOptions.Methods);
        _tuners.AcceptOnlyFromAmong(AutoMlBenchmark.Tuners);
        _tuner.AcceptOnlyFromAmong(AutoMlBenchmark.Tuners);
        _against.AcceptOnlyFromAmong(AutoMlBenchmark.Tuners);
        AtLeast(1, _rounds, _threads, _textBatch, _batches, _limit, _adapters, _trials, _concurrency, _rowsPerClass, _validationRowsPerClass, _clients, _maxBatchRows, _seconds);
        AtLeast(2, _newTokens, _concurrent, _reductionFactor);
    }

    public RootCommand Root() => new("Benchmarks of soft prompts. Every result but a chart, tables and those of micro is one line of JSON.")
    {
        Quality(), GenerationQuality(), AutoMl(), AutoMlCompare(), TrainSpeed(), ScoreSpeed(), GenerateSpeed(), StartUp(), Memory(), Load(), Chart(), Table(), Micro(), _threads,
    };

    private CliCommand Quality() => Create(
        "quality", "Trains a method and prints its test accuracy beside the linear probe's.",
        "--train train.tsv --test test.tsv --method prompt --options VirtualTokens=100 --seed 1 2 3",
        [_model, _train, _test, _method, _virtualTokens, _epochs, _seeds, _options, _verbose],
        arguments => ForEachSeed(arguments, (options, seed) => QualityBenchmark.Run(
            options, arguments.GetRequiredValue(_train), arguments.GetRequiredValue(_test), arguments.GetRequiredValue(_method), seed, arguments.GetValue(_verbose))));

    private CliCommand GenerationQuality() => Create(
        "generation-quality", "Trains a method to write and prints how close its texts come to the test texts' references.",
        "--train train.tsv --test dev.jsonl --method prefix --limit 400 --seed 1 2 3",
        [_model, _train, _test, _method, _virtualTokens, _batch, _precision, _limit, _epochs, _seeds, _options, _output, _verbose],
        arguments => ForEachSeed(arguments, (options, seed) => GenerationQualityBenchmark.Run(
            options, arguments.GetRequiredValue(_train), arguments.GetRequiredValue(_test), arguments.GetRequiredValue(_method), arguments.GetValue(_limit), seed,
            arguments.GetValue(_verbose), arguments.GetValue(_output)), Generation));

    private CliCommand AutoMl() => Create(
        AutoMlBenchmark.Name, "Searches method and options, and prints what was found for which effort, and the winner's test accuracy.",
        "--train train.tsv --test test.tsv --tuner asha random --trials 9 --epochs 9 --seed 1 2 3 --concurrency 1 2",
        [_model, _train, _test, _methods, _precision, _tuners, _trials, _epochs, _concurrency, _rowsPerClass, _validationRowsPerClass, _reductionFactor, _seeds, _noRefit, _defaults, _options, _verbose],
        RunAutoMl);

    private CliCommand AutoMlCompare() => Create(
        "automl-compare", "Compares recorded searches by the training steps that a tuner needs to find what another one has found in the end.",
        "--input results.jsonl --tuner asha --against random",
        [_results, _tuner, _against],
        arguments =>
        {
            foreach (var result in TunerComparison.Read(arguments.GetRequiredValue(_results), arguments.GetRequiredValue(_tuner), arguments.GetRequiredValue(_against)))
                Print(result);
        });

    private CliCommand TrainSpeed() => Create(
        "train-speed", "Measures training steps over batches of the training rows.",
        "--train train.tsv --method prefix --virtual-tokens 20 --batch 32 --precision bfloat16",
        [_model, _train, _unreadTest, _task, _method, _virtualTokens, _batch, _batches, _precision, _naive, _rounds, _options],
        arguments => Print(TrainSpeedBenchmark.Run(
            Options(arguments), arguments.GetRequiredValue(_train), arguments.GetRequiredValue(_task), arguments.GetRequiredValue(_method), arguments.GetValue(_naive),
            arguments.GetValue(_rounds), arguments.GetValue(_batches))));

    private CliCommand ScoreSpeed() => Create(
        "score-speed", "Measures predictions for the test rows by a pipeline that was trained as little as possible.",
        "--train train.tsv --test test.tsv --method prompt --virtual-tokens 100 --precision float32",
        [_model, _train, _test, _task, _method, _virtualTokens, _batch, _newTokens, _precision, _naive, _rounds, _options],
        arguments => Score(Options(arguments), arguments));

    private CliCommand GenerateSpeed() => Create(
        "generate-speed", "Measures the first token and the tokens after it, written on texts of the file.",
        "--test dev.jsonl --method prompt --virtual-tokens 100 --batch 8 --new-tokens 32 --precision bfloat16",
        [_model, _otherTexts, _texts, _method, _virtualTokens, _textBatch, _newTokens, _concurrent, _precision, _naive, _rounds, _options],
        arguments => GenerateSpeed(Options(arguments, Generation), arguments));

    private CliCommand StartUp() => Create(
        "start-up", "Measures new processes from their start to their first prediction with a saved pipeline.",
        "--train train.tsv --method prefix --virtual-tokens 20",
        [_model, _pipelineRows, _pipeline, _method, _virtualTokens, _precision, _rounds, _options],
        arguments =>
        {
            if (arguments.GetValue(_pipeline) is { } pipeline)
                Print(StartUpBenchmark.Predict(pipeline));
            else if (arguments.GetValue(_pipelineRows) is { } train)
                Print(StartUpBenchmark.Run(Options(arguments, Classification), train, arguments.GetRequiredValue(_method), arguments.GetValue(_rounds)));
            else
                throw new ArgumentException("There is no pipeline to load; give training rows with --train, or a saved one with --pipeline.");
        });

    private CliCommand Memory() => Create(
        "memory", "Measures the memory that training steps take, or adapters.",
        "--task generation --train train.tsv --method prompt --virtual-tokens 100 --batch 8 --precision bfloat16",
        [_model, _train, _unreadTest, _task, _method, _virtualTokens, _batch, _batches, _adapters, _precision, _checkpointing, _onlyNaive, _options],
        arguments => Memory(WithCheckpointing(arguments), arguments));

    private CliCommand Load() => Create(
        "load", "Measures the requests per second that samples/WebApi answers, in a process of its own, with and without batching.",
        "--test tickets-test.tsv --clients 16 --batch-rows 32 1 --seconds 20",
        [_messages, _clients, _maxBatchRows, _seconds],
        arguments =>
        {
            foreach (int rows in arguments.GetRequiredValue(_maxBatchRows))
                Print(LoadBenchmark.Run(arguments.GetRequiredValue(_messages), arguments.GetValue(_clients), rows, arguments.GetValue(_seconds), arguments.GetValue(_threads)));
        });

    private CliCommand Chart() => Create(
        "chart", "Draws how many times as fast as the naive way the library is, from results that were measured with --naive.",
        "--input results.jsonl --output performance.svg",
        [_results, _chart],
        arguments => SpeedupChart.Save(Speedup.Read(arguments.GetRequiredValue(_results)), arguments.GetRequiredValue(_chart)));

    private CliCommand Table() => Create(
        "table", "Prints recorded results as tables in Markdown.", "--input results.jsonl", [_results, _page],
        arguments =>
        {
            var lines = ResultTable.Lines(arguments.GetRequiredValue(_results));
            if (arguments.GetValue(_page) is { } page)
                ResultTable.PutInto(page, lines);
            else
                Console.WriteLine(string.Join(Environment.NewLine, lines));
        });

    private CliCommand Micro()
    {
        var command = Create(
            "micro", "Measures parts with BenchmarkDotNet: tokenizer, attention, batches.", "-- --filter *Attention*", [], arguments => MicroBenchmarks.Run(arguments.GetValue(_rest)!));
        command.Add(_rest);
        return command;
    }

    private CliCommand Create(string name, string description, string example, IEnumerable<Option> options, Action<ParseResult> run)
    {
        var command = new CliCommand(name, $"{description}\nExample: {name} {example}");
        foreach (var option in options)
            command.Add(option);
        command.SetAction(arguments =>
        {
            // Before the first operation, after which libtorch has its threads.
            if (arguments.GetValue(_threads) is { } threads)
                torch.set_num_threads(threads);
            run(arguments);
        });
        return command;
    }

    private void ForEachSeed<T>(ParseResult arguments, Func<SoftPromptOptions, int, T> run, string? task = null)
    {
        foreach (int seed in arguments.GetRequiredValue(_seeds))
        {
            var options = Options(arguments, task);
            options.MaxEpochs = arguments.GetValue(_epochs) ?? options.MaxEpochs;
            Print(run(options, seed));
        }
    }

    private void RunAutoMl(ParseResult arguments)
    {
        var settings = new AutoMlBenchmark.Settings(
            arguments.GetValue(_model), arguments.GetRequiredValue(_methods), arguments.GetValue(_options) ?? [], Precision(arguments), arguments.GetRequiredValue(_trials), arguments.GetValue(_epochs),
            arguments.GetRequiredValue(_reductionFactor), !arguments.GetValue(_noRefit), arguments.GetValue(_defaults));
        var rows = ClassRows.Draw(DataFile.Read(arguments.GetRequiredValue(_train)), arguments.GetValue(_rowsPerClass), arguments.GetValue(_validationRowsPerClass));
        var test = DataFile.Read(arguments.GetRequiredValue(_test));
        foreach (int seed in arguments.GetRequiredValue(_seeds))
        {
            foreach (string tuner in arguments.GetRequiredValue(_tuners))
            {
                foreach (int concurrency in arguments.GetRequiredValue(_concurrency))
                    Print(AutoMlBenchmark.Run(settings, rows, test, tuner, concurrency, seed, arguments.GetValue(_verbose)));
            }
        }
    }

    private void Score(SoftPromptOptions options, ParseResult arguments)
    {
        FileInfo train = arguments.GetRequiredValue(_train), test = arguments.GetRequiredValue(_test);
        string method = arguments.GetRequiredValue(_method);
        bool naive = arguments.GetValue(_naive);
        if (arguments.GetValue(_task) == Generation)
            Print(WriteSpeedBenchmark.Run(options, train, test, method, arguments.GetValue(_newTokens), naive, arguments.GetValue(_rounds)));
        else
            Print(ScoreSpeedBenchmark.Run(options, train, test, method, naive, arguments.GetValue(_rounds)));
    }

    private void GenerateSpeed(SoftPromptOptions options, ParseResult arguments)
    {
        var texts = Texts(arguments);
        string method = arguments.GetRequiredValue(_method);
        int newTokens = arguments.GetValue(_newTokens);
        var rounds = arguments.GetValue(_rounds);
        if (arguments.GetValue(_concurrent) is { } callers)
            Print(ConcurrentWritingBenchmark.Run(options, texts, method, callers, newTokens, rounds));
        else
            Print(GenerateSpeedBenchmark.Run(options, texts, method, arguments.GetValue(_textBatch), newTokens, arguments.GetValue(_naive), rounds));
    }

    private void Memory(SoftPromptOptions options, ParseResult arguments)
    {
        var train = arguments.GetRequiredValue(_train);
        string task = arguments.GetRequiredValue(_task), method = arguments.GetRequiredValue(_method);
        if (arguments.GetValue(_adapters) is { } adapters)
            Print(AdapterMemoryBenchmark.Run(options, train, task, method, adapters));
        else
            Print(MemoryBenchmark.Run(options, train, task, method, arguments.GetValue(_onlyNaive), arguments.GetValue(_batches)));
    }

    private SoftPromptOptions Options(ParseResult arguments, string? task = null)
    {
        var options = MethodOptions.Create(arguments.GetRequiredValue(_method), arguments.GetValue(_options) ?? []);
        options.Model = arguments.GetValue(_model) ?? options.Model ?? ((task ?? arguments.GetValue(_task)) == Generation ? ModelLocator.DefaultDecoder : ModelLocator.DefaultEncoder);
        options.VirtualTokens = arguments.GetValue(_virtualTokens) ?? options.VirtualTokens;
        options.BatchSize = arguments.GetValue(_batch) ?? options.BatchSize;
        if (arguments.GetResult(_precision) is { Implicit: false })
            options.Precision = Precision(arguments);
        return options;
    }

    private SoftPromptOptions WithCheckpointing(ParseResult arguments)
    {
        var options = Options(arguments);
        options.GradientCheckpointing |= arguments.GetValue(_checkpointing);
        return options;
    }

    private Precision Precision(ParseResult arguments) => Enum.Parse<Precision>(arguments.GetRequiredValue(_precision), ignoreCase: true);

    private FileInfo Texts(ParseResult arguments) => arguments.GetValue(_texts) ?? arguments.GetValue(_otherTexts)
        ?? throw new ArgumentException("There are no texts to write on; give --test or --train.");

    private static void AtLeast(int least, params Option[] options)
    {
        foreach (var option in options)
        {
            option.Validators.Add(result =>
            {
                foreach (var token in result.Tokens)
                {
                    if (int.TryParse(token.Value, out int count) && count < least)
                        result.AddError($"{option.Name} is {count}; it must be at least {least}.");
                }
            });
        }
    }

    private static void Print<T>(T result) => Console.WriteLine(JsonSerializer.Serialize(result, Json));
}
