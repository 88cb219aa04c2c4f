using System.Diagnostics;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>How well a method teaches a language model to write: trained, applied and evaluated as a user's pipeline is.</summary>
internal static class GenerationQualityBenchmark
{
    private const double Percent = 100;

    public sealed record Result(
        string Benchmark, string Model, string Method, int VirtualTokens, string Precision, int Seed, int Pairs, int Epochs, int BestEpoch, double Bleu4, double RougeL,
        double? Loss, double? BaseLoss, double? ValidationRougeL, double Seconds, double ExamplesPerSecond, double TokensPerSecond, int Texts, double TextsPerSecond,
        double PeakMemoryMegabytes);

    public static Result Run(SoftPromptOptions options, FileInfo train, FileInfo test, string method, int? limit, int seed, bool verbose, FileInfo? output)
    {
        var context = QualityBenchmark.Context(seed, verbose);
        var pairs = DataFile.Read(train).Take(limit ?? int.MaxValue).ToList();
        var texts = ReferencedText.Read(test).Select(text => new TextRow { Text = text.Text, Label = [.. text.References] }).ToList();

        long start = Stopwatch.GetTimestamp();
        using var fitted = MethodOptions.Estimator(context, options).Fit(context.Data.LoadFromEnumerable(pairs));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var history = fitted.TrainingHistory!;

        start = Stopwatch.GetTimestamp();
        var written = context.Data.Cache(fitted.Transform(context.Data.LoadFromEnumerable(texts)));
        var metrics = context.TextGeneration().Evaluate(written, options.LabelColumnName, options.GeneratedTextColumnName);
        double writeSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (output is not null)
            Write(output, texts, [.. Data.ColumnCursorExtensions.GetColumn<string>(written, options.GeneratedTextColumnName)]);
        return new Result(
            "generation-quality", MethodOptions.ModelName(fitted.Model.Backbone), method, options.VirtualTokens, fitted.Model.Backbone.Precision.ToString(), seed, pairs.Count, history.Epochs.Count, history.BestEpoch,
            metrics.Bleu4 * Percent, metrics.RougeL * Percent, history.ValidationMetric, history.BaseValidationLoss, history.ValidationRougeL * Percent, seconds,
            history.Epochs.Average(epoch => epoch.ExamplesPerSecond), history.Epochs.Average(epoch => epoch.TokensPerSecond), texts.Count, texts.Count / writeSeconds,
            ProcessMemory.CurrentPeak);
    }

    private static void Write(FileInfo output, IReadOnlyList<TextRow> texts, IReadOnlyList<string> written) =>
        File.WriteAllLines(output.FullName, texts.Zip(written, (text, answer) => System.Text.Json.JsonSerializer.Serialize(new { text = text.Text, written = answer, references = text.Label })));

    private sealed class TextRow
    {
        public string Text { get; set; } = "";

        public string[] Label { get; set; } = [];
    }
}
