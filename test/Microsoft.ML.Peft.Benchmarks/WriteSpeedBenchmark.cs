using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Benchmarks.Naive;
using Microsoft.ML.Peft.Inference;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>
/// How fast a trained pipeline writes, tokenisation included: many rows and single rows, until each text ends. What was learnt does not
/// matter here, so training is as short as can be; how long the texts become is part of the result.
/// </summary>
internal sealed class WriteSpeedBenchmark : IDisposable
{
    private const int RowsPerRound = 32;
    private const int SingleRowsPerRound = 4;
    private const int NaiveBatch = 8;

    private readonly SoftPromptOptions _options;
    private readonly TextRow[] _rows;
    private readonly TextRow[] _singleRows;
    private readonly IDataView _view;
    private readonly SoftPromptTransformer _fitted;
    private readonly PredictionEngine<TextRow, Prediction> _engine;
    private readonly PretrainedModel _backbone;
    private readonly NaiveWriting? _naive;
    private readonly Gemm _gemm;

    private WriteSpeedBenchmark(SoftPromptOptions options, FileInfo train, FileInfo test, int newTokens, bool naive)
    {
        _options = options;
        _options.MaxEpochs = 1;
        _options.ValidationFraction = 0;
        _options.Generation = _options.Generation with { MaxNewTokens = newTokens };
        _rows = [.. Sample.Of(ReferencedText.Read(test), RowsPerRound).Select(text => new TextRow { Text = text.Text })];
        _singleRows = Sample.Of(_rows, SingleRowsPerRound);

        var context = new MLContext(options.Seed ?? 1);
        var trainRows = context.Data.LoadFromEnumerable(Sample.Of(DataFile.Read(train), options.BatchSize ?? Training.TrainingSettings.LanguageModelBatchSize));
        _view = context.Data.LoadFromEnumerable(_rows);
        _fitted = MethodOptions.Estimator(context, options).Fit(trainRows);
        _engine = context.Model.CreatePredictionEngine<TextRow, Prediction>(_fitted, new PredictionEngineOptions { OwnsTransformer = false });
        _backbone = _fitted.Model.Backbone;
        _naive = naive ? NaiveWriting.Of(_fitted.Model, PretrainedModel.Load(options.Model, Precision.Float32), options is PrefixTuningOptions) : null;
        _gemm = new Gemm(_backbone.Frozen.Backbone.Type);
    }

    public sealed record Result(
        string Benchmark, string Model, string Task, string Method, int VirtualTokens, string Precision, int Threads, int Rounds,
        double RowsPerSecond, double SingleRowsPerSecond, double TokensPerSecond, double TokensPerRow, double NewTokensPerRow,
        double PeakMemoryMegabytes, double? MemoryGrowthMegabytes, double GemmGigaflops, double? Mfu)
    {
        public double? NaiveRowsPerSecond { get; init; }
        public double? NaiveSingleRowsPerSecond { get; init; }
        public double? NaiveRatio { get; init; }
        public double? NaiveSingleRatio { get; init; }
        public double? NaiveLogitsDifference { get; init; }
    }

    public static Result Run(SoftPromptOptions options, FileInfo train, FileInfo test, string method, int newTokens, bool naive, int? rounds)
    {
        using var benchmark = new WriteSpeedBenchmark(options.CheckedCopy(), train, test, newTokens, naive);
        return benchmark.Measure(method, rounds);
    }

    public void Dispose()
    {
        _naive?.Dispose();
        _gemm.Dispose();
        _engine.Dispose();
        _fitted.Dispose();
    }

    private Result Measure(string method, int? asked)
    {
        var prompts = _rows.Select(Prompt).ToList();
        double? difference = _naive?.Compare([.. prompts.Take(NaiveBatch)]);
        var memory = new ProcessMemory();
        var written = Write();
        double peak = memory.Peak;
        double? growth = memory.Growth;
        var warmUp = Round(prompts);
        Seconds[] rounds = [.. Enumerable.Range(0, Rounds.Count(asked, warmUp.Rows + warmUp.SingleRows + warmUp.NaiveRows + warmUp.NaiveSingleRows)).Select(_ => Round(prompts))];

        int[] lengths = [.. written.Select(text => Math.Min(_backbone.Words.CountTokens(text) + 1, _options.Generation.MaxNewTokens))];
        var operations = new Operations(_backbone.Configuration, Prefix: true, _options.VirtualTokens, Training: false);
        double needed = operations.Logits(lengths.Sum()) + prompts.Zip(lengths, (ids, length) =>
            operations.Row(ids.Count, 1) + Enumerable.Range(_options.VirtualTokens + ids.Count, length - 1).Sum(operations.Token)).Sum();
        double Typical(Func<Seconds, double> of) => Median.Of(rounds.Select(of));
        return new Result(
            "score-speed", MethodOptions.ModelName(_backbone), "generation", method, _options.VirtualTokens, _backbone.Precision.ToString(), get_num_threads(), rounds.Length,
            _rows.Length / Typical(round => round.Rows), _singleRows.Length / Typical(round => round.SingleRows), lengths.Sum() / Typical(round => round.Rows),
            prompts.Average(ids => ids.Count), lengths.Average(), peak, growth, Typical(round => round.Gemm) / 1e9, Operations.Count(_backbone.Configuration) ? Typical(round => needed / round.Rows / round.Gemm) : null)
        {
            NaiveRowsPerSecond = _naive is null ? null : _rows.Length / Typical(round => round.NaiveRows),
            NaiveSingleRowsPerSecond = _naive is null ? null : _singleRows.Length / Typical(round => round.NaiveSingleRows),
            NaiveRatio = _naive is null ? null : Typical(round => round.NaiveRows / round.Rows),
            NaiveSingleRatio = _naive is null ? null : Typical(round => round.NaiveSingleRows / round.SingleRows),
            NaiveLogitsDifference = difference,
        };
    }

    private IReadOnlyList<int> Prompt(TextRow row)
    {
        var template = PromptTemplate.Parse(_options.PromptTemplate ?? PromptTemplate.Default(pairs: false));
        return template.Fit(_backbone.Words, row.Text, null, _backbone.Configuration.MaxPositions - _options.VirtualTokens - _options.Generation.MaxNewTokens).Ids;
    }

    private Seconds Round(IReadOnlyList<IReadOnlyList<int>> prompts) => new(
        _gemm.Measure(), Time(() => Write()), Time(WriteSingleRows),
        Time(() => WriteNaively(prompts.Chunk(NaiveBatch))), Time(() => WriteNaively(Sample.Of(prompts, SingleRowsPerRound).Chunk(1))));

    private IReadOnlyList<string> Write()
    {
        var written = _fitted.Transform(_view);
        return [.. written.GetColumn<string>(written.Schema[_options.GeneratedTextColumnName])];
    }

    private void WriteSingleRows()
    {
        foreach (var row in _singleRows)
            _engine.Predict(row);
    }

    private void WriteNaively(IEnumerable<IReadOnlyList<int>[]> batches)
    {
        foreach (var texts in batches)
            _naive?.Write(texts, _options.Generation.MaxNewTokens, _backbone.Frozen.EndIds);
    }

    private static double Time(Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private sealed class TextRow
    {
        public string Text { get; set; } = "";
    }

    private sealed class Prediction
    {
        public string GeneratedText { get; set; } = "";
    }

    /// <summary>One round's durations, and the matrix product's operations per second.</summary>
    private readonly record struct Seconds(double Gemm, double Rows, double SingleRows, double NaiveRows, double NaiveSingleRows);
}
