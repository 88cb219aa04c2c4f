using System.Diagnostics;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Benchmarks.Naive;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>
/// How fast a language model writes behind a soft prompt: the first token, which reads the whole text, and the tokens after it. The soft
/// prompt is one before training, because what it has learnt changes no speed; its keys and values are computed before, once per model.
/// </summary>
internal sealed class GenerateSpeedBenchmark : IDisposable
{
    private const int BatchesPerRound = 4;

    private readonly PretrainedModel _backbone;
    private readonly LanguageModel _model;
    private readonly Prompt _prompt;
    private readonly IReadOnlyList<int>[][] _batches;
    private readonly GenerationOptions _generation;
    private readonly NaiveWriting? _naive;
    private readonly Gemm _gemm;

    private GenerateSpeedBenchmark(SoftPromptOptions options, IReadOnlyList<ReferencedText> texts, int batch, int newTokens, bool naive)
    {
        _generation = new GenerationOptions { MaxNewTokens = newTokens };
        _backbone = PretrainedModel.Load(options.Model, options.Precision);
        _model = _backbone.Frozen.Backbone as LanguageModel
            ?? throw new NotSupportedException($"The model in '{_backbone.Directory}' is an encoder, which reads and does not write; take a language model.");
        int room = _backbone.Configuration.MaxPositions - options.VirtualTokens - newTokens;
        if (room < 1)
            throw new ArgumentException($"{options.VirtualTokens} virtual and {newTokens} new tokens leave none of the model's {_backbone.Configuration.MaxPositions} positions for a text; use fewer.");
        var template = PromptTemplate.Parse(options.PromptTemplate ?? PromptTemplate.Default(pairs: false));
        IReadOnlyList<int>[] prompts = [.. Sample.Of(texts, batch * BatchesPerRound).Select(text => template.Fit(_backbone.Words, text.Text, null, room).Ids)];
        _batches = [.. prompts.Chunk(batch)];
        (var start, _prompt) = Start(options.ToMethodSettings(), options.Seed ?? 1, prompts);
        using (start)
            _naive = naive ? new NaiveWriting(PretrainedModel.Load(options.Model, Precision.Float32), start, options is PrefixTuningOptions) : null;
        _gemm = new Gemm(_model.Type);
    }

    public sealed record Result(
        string Benchmark, string Model, string Method, int VirtualTokens, int Batch, int NewTokens, string Precision, int Threads, int Rounds,
        double FirstTokenSeconds, double TokensPerSecond, double TokensPerPrompt, double PeakMemoryMegabytes, double? MemoryGrowthMegabytes,
        double GemmGigaflops, double? Mfu, double? DecodingMfu)
    {
        public double? NaiveFirstTokenSeconds { get; init; }
        public double? NaiveTokensPerSecond { get; init; }
        public double? NaiveFirstTokenRatio { get; init; }
        public double? NaiveTokensRatio { get; init; }
        public double? NaiveLogitsDifference { get; init; }
    }

    public static Result Run(SoftPromptOptions options, FileInfo texts, string method, int batch, int newTokens, bool naive, int? rounds)
    {
        using var benchmark = new GenerateSpeedBenchmark(options.CheckedCopy(), ReferencedText.Read(texts), batch, newTokens, naive);
        return benchmark.Measure(method, batch, rounds);
    }

    public void Dispose()
    {
        _naive?.Dispose();
        _gemm.Dispose();
        _prompt.Dispose();
        _backbone.Dispose();
    }

    private Result Measure(string method, int batch, int? asked)
    {
        double? difference = _naive?.Compare(_batches[0]);
        var memory = new ProcessMemory();
        var warmUp = Round(naive: false);
        double peak = memory.Peak;
        double? growth = memory.Growth;
        warmUp = Round(naive: true);
        Seconds[] rounds = [.. Enumerable.Range(0, Rounds.Count(asked, warmUp.Total)).Select(_ => Round(naive: true))];

        var operations = new Operations(_backbone.Configuration, Prefix: true, _prompt.Length, Training: false);
        bool counted = Operations.Count(_backbone.Configuration);
        int later = _batches.Sum(rows => rows.Length) * (_generation.MaxNewTokens - 1);
        double first = _batches.Sum(rows => rows.Sum(ids => operations.Row(ids.Count, 1) + operations.Logits(1)));
        double rest = _batches.Sum(rows => rows.Sum(ids => Enumerable.Range(_prompt.Length + ids.Count, _generation.MaxNewTokens - 1).Sum(operations.Token)) + operations.Logits(later));
        double Typical(Func<Seconds, double> of) => Median.Of(rounds.Select(of));
        return new Result(
            "generate-speed", MethodOptions.ModelName(_backbone), method, _prompt.Length, batch, _generation.MaxNewTokens, _backbone.Precision.ToString(), get_num_threads(), rounds.Length,
            Typical(round => round.First) / _batches.Length, later / Typical(round => round.Later), _batches.Average(rows => rows.Average(ids => ids.Count)),
            peak, growth, Typical(round => round.Gemm) / 1e9, counted ? Typical(round => first / round.First / round.Gemm) : null, counted ? Typical(round => rest / round.Later / round.Gemm) : null)
        {
            NaiveFirstTokenSeconds = _naive is null ? null : Typical(round => round.NaiveFirst) / _batches.Length,
            NaiveTokensPerSecond = _naive is null ? null : later / Typical(round => round.NaiveLater),
            NaiveFirstTokenRatio = _naive is null ? null : Typical(round => round.NaiveFirst / round.First),
            NaiveTokensRatio = _naive is null ? null : Typical(round => round.NaiveLater / round.Later),
            NaiveLogitsDifference = difference,
        };
    }

    private Seconds Round(bool naive)
    {
        var round = new Seconds { Gemm = _gemm.Measure() };
        foreach (var rows in _batches)
        {
            long start = Stopwatch.GetTimestamp();
            // No token ends a text: each is as long as asked for.
            using var writing = new WritingBatch(_model);
            var texts = new Queue<Writing>(rows.Select(row => new Writing(_model, _prompt, row, _generation, new HashSet<int>())));
            writing.Step(texts);
            long written = Stopwatch.GetTimestamp();
            while (writing.Step(texts))
            {
            }
            round.First += Stopwatch.GetElapsedTime(start, written).TotalSeconds;
            round.Later += Stopwatch.GetElapsedTime(written).TotalSeconds;
            if (naive && _naive?.Measure(rows, _generation.MaxNewTokens) is (var first, var later))
                (round.NaiveFirst, round.NaiveLater) = (round.NaiveFirst + first, round.NaiveLater + later);
        }
        return round;
    }

    /// <summary>The soft prompt before training in the layout of Hugging Face's files `[P, …]`, and as the product holds it between predictions.</summary>
    private (Tensor Start, Prompt Prompt) Start(MethodSettings method, int seed, IEnumerable<IReadOnlyList<int>> texts)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var initializer = new Initializer(seed, _model.Device);
        var source = new InitializationSource(_model, text => _backbone.Words.Encode(text).Ids, _backbone.Words.SpecialIds, texts, null);
        using var softPrompt = SoftPromptFactory.Create(method, source, initializer);
        return (softPrompt.Compute().detach().clone().DetachFromDisposeScope(), _model.Prepare(softPrompt.Forward()).Bake(_model.Type));
    }

    /// <summary>One round's durations, and the matrix product's operations per second.</summary>
    private record struct Seconds(double Gemm, double First, double Later, double NaiveFirst, double NaiveLater)
    {
        public readonly double Total => First + Later + NaiveFirst + NaiveLater;
    }
}
