using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Benchmarks.Naive;
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
    private const int NaiveBatch = 32;

    private readonly SoftPromptOptions _options;
    private readonly DataFile.Row[] _rows;
    private readonly DataFile.Row[] _singleRows;
    private readonly IDataView _view;
    private readonly TransformerChain<SoftPromptTransformer> _fitted;
    private readonly PredictionEngine<DataFile.Row, Prediction> _engine;
    private readonly PretrainedModel _backbone;
    private readonly Pooling _pooling;
    private readonly NaiveScoring? _naive;
    private readonly Gemm _gemm;

    private ScoreSpeedBenchmark(SoftPromptOptions options, FileInfo train, FileInfo test, bool naive)
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
        _naive = naive ? new NaiveScoring(_fitted.LastTransformer.Model, options.Model, options is PrefixTuningOptions, MaxTokens) : null;
        _gemm = new Gemm(_backbone.Frozen.Backbone.Type);
    }

    public sealed record Result(
        string Benchmark, string Model, string Task, string Method, int VirtualTokens, string Precision, int Threads, int Rounds,
        double RowsPerSecond, double SingleRowsPerSecond, double BareRowsPerSecond, double TokensPerSecond, double TokensPerRow,
        double PeakMemoryMegabytes, double? MemoryGrowthMegabytes, double GemmGigaflops, double Mfu)
    {
        public double? NaiveRowsPerSecond { get; init; }
        public double? NaiveSingleRowsPerSecond { get; init; }
        public double? NaiveRatio { get; init; }
        public double? NaiveSingleRatio { get; init; }
        public double? NaiveProbabilityDifference { get; init; }
    }

    private int MaxTokens
    {
        get
        {
            int left = _backbone.Configuration.MaxPositions - _options.VirtualTokens;
            return Math.Min(left, _options.MaxTokens ?? left);
        }
    }

    public static Result Run(SoftPromptOptions options, FileInfo train, FileInfo test, string method, bool naive, int? rounds)
    {
        using var benchmark = new ScoreSpeedBenchmark(options, train, test, naive);
        return benchmark.Measure(method, rounds);
    }

    public void Dispose()
    {
        _naive?.Dispose();
        _gemm.Dispose();
        _engine.Dispose();
        _fitted.LastTransformer.Dispose();
    }

    private Result Measure(string method, int? asked)
    {
        double? difference = _naive?.Compare([.. _rows.Select(row => row.Text)], NaiveBatch);
        var memory = new ProcessMemory();
        Round(naive: false);
        double peak = memory.Peak;
        double? growth = memory.Growth;
        double warmUp = Time(() => Round(naive: true));
        Seconds[] rounds = [.. Enumerable.Range(0, Rounds.Count(asked, warmUp)).Select(_ => Round(naive: true))];

        int[] lengths = [.. _rows.Select(row => Encode(row).Ids.Count)];
        var shape = _backbone.Configuration;
        // A decoder's virtual tokens are keys and values once training has ended.
        var operations = new Operations(shape, _options is PrefixTuningOptions || shape is Backbones.DecoderConfiguration, _options.VirtualTokens, Training: false);
        double needed = lengths.Sum(length => operations.Row(length, _pooling == Pooling.Mean ? length : 1));
        double Typical(Func<Seconds, double> of) => Median.Of(rounds.Select(of));
        return new Result(
            "score-speed", MethodOptions.ModelName(_backbone), "classification", method, _options.VirtualTokens, _backbone.Precision.ToString(), get_num_threads(), rounds.Length,
            _rows.Length / Typical(round => round.Rows), _singleRows.Length / Typical(round => round.SingleRows), _singleRows.Length / Typical(round => round.BareRows),
            lengths.Sum() / Typical(round => round.Rows), lengths.Average(), peak, growth, Typical(round => round.Gemm) / 1e9,
            Typical(round => needed / round.Rows / round.Gemm))
        {
            NaiveRowsPerSecond = _naive is null ? null : _rows.Length / Typical(round => round.NaiveRows),
            NaiveSingleRowsPerSecond = _naive is null ? null : _singleRows.Length / Typical(round => round.NaiveSingleRows),
            NaiveRatio = _naive is null ? null : Typical(round => round.NaiveRows / round.Rows),
            NaiveSingleRatio = _naive is null ? null : Typical(round => round.NaiveSingleRows / round.SingleRows),
            NaiveProbabilityDifference = difference,
        };
    }

    private Seconds Round(bool naive) => new(
        _gemm.Measure(), Time(ScoreRows), Time(ScoreSingleRows), Time(EmbedSingleRows),
        naive ? Time(() => _naive?.Classify(_rows.Select(row => row.Text), NaiveBatch)) : 0, naive ? Time(() => _naive?.Classify(_singleRows.Select(row => row.Text), 1)) : 0);

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

    private TokenizedText Encode(DataFile.Row row) => _backbone.Words.Encode(row.Text, null, MaxTokens);

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
    private readonly record struct Seconds(double Gemm, double Rows, double SingleRows, double BareRows, double NaiveRows, double NaiveSingleRows);
}
