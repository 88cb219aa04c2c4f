using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.ML.Peft.Inference;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>
/// How many tokens per second several callers get from one model at the same time, each of which asks for one text after the other, beside a
/// single caller with the same texts. Both go through the public API; no text is as long as another, so that they join and leave at
/// different times.
/// </summary>
internal static class ConcurrentWritingBenchmark
{
    private const int TextsPerCaller = 2;

    public sealed record Result(
        string Benchmark, string Model, string Method, int VirtualTokens, int Concurrent, int NewTokens, string Precision, int Threads, int Rounds, int Texts,
        double TokensPerPrompt, double FirstTokenSeconds, double TokensPerSecond, double OneByOneFirstTokenSeconds, double OneByOneTokensPerSecond, double ConcurrentRatio,
        double SameTexts, double PeakMemoryMegabytes, double GemmGigaflops);

    public static Result Run(SoftPromptOptions options, FileInfo texts, string method, int callers, int newTokens, int? rounds)
    {
        options = options.CheckedCopy();
        using var backbone = PretrainedModel.Load(options.Model, options.Precision);
        var template = PromptTemplate.Parse(options.PromptTemplate ?? PromptTemplate.Default(pairs: false));
        int room = backbone.Configuration.MaxPositions - options.VirtualTokens - newTokens;
        string[] prompts = [.. Sample.Of(ReferencedText.Read(texts), callers * TextsPerCaller).Select(text => template.Fit(backbone.Words, text.Text, null, room).Text)];
        using var model = new PeftModel(backbone, UntrainedAdapter.ForWriting(backbone, options, prompts));
        using var gemm = new Gemm(backbone.Frozen.Backbone.Type);
        Requests All(int callers) => Write(model, prompts, newTokens, callers);

        var warmUp = All(callers);
        (Requests Alone, Requests Together, double Gemm)[] measured =
            [.. Enumerable.Range(0, Rounds.Count(rounds, warmUp.Seconds * (callers + 2) / 2)).Select(_ => (All(1), All(callers), gemm.Measure()))];
        double Typical(Func<(Requests Alone, Requests Together, double Gemm), double> of) => Median.Of(measured.Select(of));
        return new Result(
            "generate-speed", MethodOptions.ModelName(backbone), method, model.VirtualTokens, callers, newTokens, backbone.Precision.ToString(), get_num_threads(), measured.Length,
            prompts.Length, prompts.Average(prompt => backbone.Words.Encode(prompt).Ids.Count),
            Typical(round => round.Together.FirstTokenSeconds), Typical(round => round.Together.TokensPerSecond),
            Typical(round => round.Alone.FirstTokenSeconds), Typical(round => round.Alone.TokensPerSecond),
            Typical(round => round.Together.TokensPerSecond / round.Alone.TokensPerSecond),
            measured.Average(round => round.Alone.Texts.Zip(round.Together.Texts).Average(pair => pair.First == pair.Second ? 1.0 : 0)),
            ProcessMemory.CurrentPeak, Typical(round => round.Gemm) / 1e9);
    }

    /// <summary>Has all prompts written on, as many at a time as there are callers.</summary>
    private static Requests Write(PeftModel model, string[] prompts, int newTokens, int callers)
    {
        var waiting = new ConcurrentQueue<int>(Enumerable.Range(0, prompts.Length));
        var texts = new string[prompts.Length];
        var firstTokens = new double[prompts.Length];
        // From three quarters of the wanted length to five quarters, the mean of which it is.
        int Length(int i) => Math.Max(2, newTokens * (3 * prompts.Length + 2 * (i * 7 % prompts.Length)) / (4 * prompts.Length));
        long start = Stopwatch.GetTimestamp();
        async Task Ask()
        {
            while (waiting.TryDequeue(out int i))
            {
                long asked = Stopwatch.GetTimestamp();
                // No token ends a text: each is as long as asked for.
                var options = new GenerationOptions { MaxNewTokens = Length(i), MinNewTokens = Length(i) };
                await foreach (string piece in model.GenerateStreamAsync(prompts[i], options).ConfigureAwait(false))
                {
                    if (texts[i] is null)
                        firstTokens[i] = Stopwatch.GetElapsedTime(asked).TotalSeconds;
                    texts[i] += piece;
                }
            }
        }
        Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(Ask))).GetAwaiter().GetResult();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new Requests(texts, seconds, firstTokens.Average(), Enumerable.Range(0, prompts.Length).Sum(Length) / seconds);
    }

    private sealed record Requests(IReadOnlyList<string> Texts, double Seconds, double FirstTokenSeconds, double TokensPerSecond);
}
