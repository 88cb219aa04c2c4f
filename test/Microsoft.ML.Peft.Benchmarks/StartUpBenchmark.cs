using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>
/// How long a new process takes from its start to its first prediction with a saved pipeline. A pipeline is trained as little as can be and
/// saved, then this program is started again and again to load it.
/// </summary>
internal static class StartUpBenchmark
{
    private const int Processes = 7;
    private const string Text = "How do I locate my card?";

    /// <summary>When the program's first line was reached: to be read there.</summary>
    public static DateTime FirstLine { get; set; } = DateTime.Now;

    /// <summary>Seconds of one process, from its start to its first prediction and of the second one, and its peak memory in 10⁶ bytes.</summary>
    /// <param name="Runtime">Until the program's own first line; its arguments are read after that and are in no phase.</param>
    /// <param name="Load">`MLContext` and `Model.Load`: pipeline, frozen model, tokenizer, libtorch.</param>
    /// <param name="Engine">`CreatePredictionEngine`.</param>
    /// <param name="Predict">`Predict`, the first time.</param>
    /// <param name="PredictAgain">The same text once more.</param>
    /// <param name="PeakMemory">The highest working set.</param>
    public sealed record Phases(double Runtime, double Load, double Engine, double Predict, double PredictAgain, double PeakMemory)
    {
        public double Total => Runtime + Load + Engine + Predict;
    }

    public sealed record Result(
        string Benchmark, string Model, string Task, string Method, int VirtualTokens, string Precision, int Threads, int Rounds, double FirstPredictionSeconds, double RuntimeSeconds,
        double LoadSeconds, double EngineSeconds, double PredictSeconds, double PredictAgainSeconds, double PeakMemoryMegabytes);

    /// <param name="options">The method.</param>
    /// <param name="train">Training rows, of which one per class is read.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="rounds">New processes, after one that is not counted; null for 7.</param>
    public static Result Run(SoftPromptOptions options, FileInfo train, string method, int? rounds)
    {
        var directory = Directory.CreateTempSubdirectory("start-up-");
        try
        {
            var pipeline = new FileInfo(Path.Combine(directory.FullName, "pipeline.zip"));
            var (model, precision) = Save(options, train, pipeline);
            // The first process reads files that later ones find in the system's cache.
            Phases[] phases = [.. Enumerable.Range(0, 1 + (rounds ?? Processes)).Select(_ => Start(pipeline)).Skip(1)];
            double Typical(Func<Phases, double> of) => Median.Of(phases.Select(of));
            return new Result(
                "start-up", model, "classification", method, options.VirtualTokens, precision, get_num_threads(), phases.Length, Typical(p => p.Total), Typical(p => p.Runtime), Typical(p => p.Load),
                Typical(p => p.Engine), Typical(p => p.Predict), Typical(p => p.PredictAgain), Typical(p => p.PeakMemory));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    /// <summary>Loads a pipeline in this process and predicts.</summary>
    public static Phases Predict(FileInfo pipeline)
    {
        if (!pipeline.Exists)
            throw new FileNotFoundException($"'{pipeline}' does not exist; give a pipeline that mlContext.Model.Save wrote.", pipeline.FullName);
        double runtime;
        using (var process = Process.GetCurrentProcess())
            runtime = (FirstLine - process.StartTime).TotalSeconds;
        long start = Stopwatch.GetTimestamp();
        var context = new MLContext();
        using var loaded = (TransformerChain<ITransformer>)context.Model.Load(pipeline.FullName, out _);
        double load = Lap(ref start);
        using var engine = context.Model.CreatePredictionEngine<DataFile.Row, Prediction>(loaded, new PredictionEngineOptions { OwnsTransformer = false });
        double create = Lap(ref start);
        engine.Predict(new DataFile.Row { Text = Text });
        double first = Lap(ref start);
        engine.Predict(new DataFile.Row { Text = Text });
        return new Phases(runtime, load, create, first, Lap(ref start), ProcessMemory.CurrentPeak);
    }

    private static double Lap(ref long start)
    {
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        start = Stopwatch.GetTimestamp();
        return seconds;
    }

    private static (string Model, string Precision) Save(SoftPromptOptions options, FileInfo train, FileInfo pipeline)
    {
        (options.MaxEpochs, options.ValidationFraction) = (1, 0);
        var context = new MLContext(options.Seed ?? 1);
        var rows = context.Data.LoadFromEnumerable(DataFile.Read(train).DistinctBy(row => row.Label));
        var fitted = context.Transforms.Conversion.MapValueToKey("Label").Append(MethodOptions.Estimator(context, options)).Fit(rows);
        using var transformer = fitted.LastTransformer;
        context.Model.Save(fitted, rows.Schema, pipeline.FullName);
        return (MethodOptions.ModelName(transformer.Model.Backbone), transformer.Model.Backbone.Precision.ToString());
    }

    private static Phases Start(FileInfo pipeline)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(StartUpBenchmark).Assembly.Location, "start-up", "--pipeline", pipeline.FullName, "--threads", $"{get_num_threads()}"])
        {
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<Phases>(output, JsonSerializerOptions.Web)!
            : throw new InvalidOperationException($"A new process that loads '{pipeline}' ended with exit code {process.ExitCode}.");
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];
    }
}
