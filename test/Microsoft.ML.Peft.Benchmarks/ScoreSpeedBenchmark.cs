using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>
/// How fast a trained pipeline predicts, tokenisation included: many rows, single rows, and for comparison single rows through the
/// frozen model alone. What was learnt does not matter here, so training is as short as can be.
/// </summary>
internal sealed class ScoreSpeedBenchmark : IDisposable
{
    private const int RowsPerRound = 512;
    private const int SingleRowsPerRound = 64;

    private readonly SoftPromptOptions _options;
    private readonly DataFile.Row[] _rows;
    private readonly DataFile.Row[] _singleRows;
    private readonly IDataView _view;
    private readonly TransformerChain<SoftPromptTransformer> _fitted;
    private readonly PredictionEngine<DataFile.Row, Prediction> _engine;
    private readonly PretrainedModel _backbone;
    private readonly Pooling _pooling;
    private readonly Gemm _gemm;

    private ScoreSpeedBenchmark(SoftPromptOptions options, FileInfo train, FileInfo test)
    {
        _options = options;
        _options.MaxEpochs = 1;
        _options.ValidationFraction = 0;
        _rows = Sample.Of(DataFile.Read(test), RowsPerRound);
        _singleRows = Sample.Of(_rows, SingleRowsPerRound);

        var context = new MLContext(options.Seed ?? 1);
        var trainRows = context.Data.LoadFromEnumerable(DataFile.Read(train).DistinctBy(row => row.Label));
        _view = context.Data.LoadFromEnumerable(_rows);
        _fitted = context.Transforms.Conversion.MapValueToKey("Label").Append(MethodOptions.Estimator(context, options)).Fit(trainRows);
        _engine = context.Model.CreatePredictionEngine<DataFile.Row, Prediction>(_fitted, new PredictionEngineOptions { OwnsTransformer = false });
        _backbone = _fitted.LastTransformer.Model.Backbone;
        _pooling = options.Pooling == Pooling.Auto ? _backbone.Frozen.Pooling : options.Pooling;
        _gemm = new Gemm(_backbone.Frozen.Backbone.Type);
    }

    public sealed record Result(
        string Benchmark, string Method, int VirtualTokens, string Precision, int Threads, int Rounds,
        double RowsPerSecond, double SingleRowsPerSecond, double BareRowsPerSecond, double TokensPerSecond, double TokensPerRow,
        double PeakMemoryMegabytes, double? MemoryGrowthMegabytes, double GemmGigaflops, double Mfu);

    public static Result Run(SoftPromptOptions options, FileInfo train, FileInfo test, string method, int? rounds)
    {
        using var benchmark = new ScoreSpeedBenchmark(options, train, test);
        return benchmark.Measure(method, rounds);
    }

    public void Dispose()
    {
        _gemm.Dispose();
        _engine.Dispose();
        _fitted.LastTransformer.Dispose();
    }

    private Result Measure(string method, int? asked)
    {
        var memory = new ProcessMemory();
        double warmUp = Time(() => Round());
        Seconds[] rounds = [.. Enumerable.Range(0, Rounds.Count(asked, warmUp)).Select(_ => Round())];

        int[] lengths = [.. _rows.Select(row => Encode(row).Ids.Count)];
        bool prefix = _options is PrefixTuningOptions;
        var operations = new Operations(_backbone.Frozen.Backbone.Configuration, prefix, _options.VirtualTokens, _pooling == Pooling.Mean, Training: false);
        double needed = lengths.Sum(operations.Row), seconds = Median.Of(rounds.Select(round => round.Rows));
        return new Result(
            "score-speed", method, _options.VirtualTokens, _backbone.Precision.ToString(), get_num_threads(), rounds.Length,
            _rows.Length / seconds, _singleRows.Length / Median.Of(rounds.Select(round => round.SingleRows)),
            _singleRows.Length / Median.Of(rounds.Select(round => round.BareRows)), lengths.Sum() / seconds, lengths.Average(),
            memory.Peak, memory.Growth, Median.Of(rounds.Select(round => round.Gemm)) / 1e9, Median.Of(rounds.Select(round => needed / round.Rows / round.Gemm)));
    }

    private Seconds Round() => new(_gemm.Measure(), Time(ScoreRows), Time(ScoreSingleRows), Time(EmbedSingleRows));

    private void ScoreRows()
    {
        var scored = _fitted.Transform(_view);
        foreach (var _ in scored.GetColumn<VBuffer<float>>(scored.Schema[_options.ScoreColumnName])) { }
    }

    private void ScoreSingleRows()
    {
        foreach (var row in _singleRows)
            _engine.Predict(row);
    }

    /// <summary>The linear probe's way: no soft prompt, no head, no ML.NET.</summary>
    private void EmbedSingleRows()
    {
        var encoder = _backbone.Frozen.Backbone;
        var embedding = new float[encoder.Configuration.HiddenSize];
        foreach (var row in _singleRows)
            Scorer.Run(encoder, null, [Encode(row)], (model, batch, prompt) => SequenceHead.Pool(model, batch, prompt, _pooling, Adapter.Layout(_pooling, _backbone.Frozen)), embedding.Length, embedding);
    }

    private TokenizedText Encode(DataFile.Row row)
    {
        int left = _backbone.Configuration.MaxPositions - _options.VirtualTokens;
        return _backbone.Words.Encode(row.Text, null, Math.Min(left, _options.MaxTokens ?? left));
    }

    private static double Time(Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];
    }

    /// <summary>One round's durations, and the matrix product's operations per second.</summary>
    private readonly record struct Seconds(double Gemm, double Rows, double SingleRows, double BareRows);
}
