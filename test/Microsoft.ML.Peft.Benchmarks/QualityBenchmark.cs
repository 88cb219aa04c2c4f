using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>How good a method gets with its options: trained and evaluated as a user's pipeline is.</summary>
internal static class QualityBenchmark
{
    public sealed record Result(
        string Benchmark, string Model, string Method, string Precision, int Seed, int Epochs, int BestEpoch, double Accuracy, double MacroF1, double Loss, double ProbeAccuracy,
        double? ValidationAccuracy, double? ProbeValidationAccuracy, double TrainSeconds, double ExamplesPerSecond, double TokensPerSecond, double RowsPerSecond, double PeakMemoryMegabytes);

    public static Result Run(SoftPromptOptions options, FileInfo train, FileInfo test, string method, int seed, bool verbose)
    {
        var context = Context(seed, verbose);
        IReadOnlyList<DataFile.Row> trainRows = DataFile.Read(train), testRows = DataFile.Read(test);
        var pipeline = context.Transforms.Conversion.MapValueToKey("Label").Append(MethodOptions.Estimator(context, options));
        var trainData = context.Data.LoadFromEnumerable(trainRows);
        var testData = context.Data.LoadFromEnumerable(testRows);

        long start = Stopwatch.GetTimestamp();
        var fitted = pipeline.Fit(trainData);
        double trainSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        using var transformer = fitted.LastTransformer;
        var history = transformer.TrainingHistory!;

        start = Stopwatch.GetTimestamp();
        var scored = context.Data.Cache(fitted.Transform(testData));
        var metrics = context.MulticlassClassification.Evaluate(scored);
        double scoreSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new Result(
            "quality", MethodOptions.ModelName(transformer.Model.Backbone), method, transformer.Model.Backbone.Precision.ToString(), seed, history.Epochs.Count, history.BestEpoch,
            metrics.MicroAccuracy, MacroF1(metrics.ConfusionMatrix), metrics.LogLoss, ProbeAccuracy(transformer.Model.Backbone, options, trainRows, testRows),
            history.ValidationMetric, history.ProbeValidationMetric, trainSeconds,
            history.Epochs.Average(epoch => epoch.ExamplesPerSecond), history.Epochs.Average(epoch => epoch.TokensPerSecond), testRows.Count / scoreSeconds,
            ProcessMemory.CurrentPeak);
    }

    /// <summary>A context, which may show the training log.</summary>
    public static MLContext Context(int seed, bool verbose)
    {
        var context = new MLContext(seed);
        if (verbose)
            context.Log += (_, e) => { if (e.Kind == Runtime.ChannelMessageKind.Info) Console.Error.WriteLine(e.Message); };
        return context;
    }

    private static double MacroF1(ConfusionMatrix matrix) => Enumerable.Range(0, matrix.NumberOfClasses).Average(c =>
    {
        double precision = matrix.PerClassPrecision[c], recall = matrix.PerClassRecall[c];
        return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
    });

    /// <summary>The linear probe fitted to all training rows, on the test rows.</summary>
    private static double ProbeAccuracy(PretrainedModel backbone, SoftPromptOptions options, IReadOnlyList<DataFile.Row> train, IReadOnlyList<DataFile.Row> test)
    {
        string[] classes = [.. train.Select(row => row.Label).Distinct()];
        int maxTokens = options.MaxTokens ?? backbone.Configuration.MaxPositions - options.VirtualTokens;
        TokenizedRows Tokenize(IReadOnlyList<DataFile.Row> rows) => TokenizedRows.Create(backbone, DataFile.Labeled(rows, classes), maxTokens, () => { });
        var pooling = options.Pooling == Pooling.Auto ? backbone.Frozen.Pooling : options.Pooling;
        return LinearProbe.Evaluate(backbone.Frozen.Backbone, pooling, Adapter.Layout(pooling, backbone.Frozen), PredictionTask.Multiclass, classes.Length, Tokenize(train), Tokenize(test), () => { });
    }
}
