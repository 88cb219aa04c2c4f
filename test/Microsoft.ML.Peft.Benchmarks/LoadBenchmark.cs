using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>
/// How many requests per second the sample WebApi answers, and how fast: it runs in a process of its own, and clients here send it one text after
/// the other, each the next when the answer to the last has come.
/// </summary>
internal static partial class LoadBenchmark
{
    private const int MemoryReadings = 10;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);
    private static readonly string[] Adapters = ["queues", "moods"];

    public sealed record Result(
        string Benchmark, int Clients, int MaxBatchRows, double Seconds, long Requests, long Errors, long Rejected, double RequestsPerSecond, double MedianMilliseconds, double P99Milliseconds,
        double RowsPerBatch, double MemoryAtStartMegabytes, IReadOnlyList<double> MemoryMegabytes);

    /// <param name="texts">Texts to send.</param>
    /// <param name="clients">How many clients send at the same time.</param>
    /// <param name="maxBatchRows">The server's setting of that name; 1 is without batching.</param>
    /// <param name="seconds">How long to measure.</param>
    /// <param name="threads">libtorch's threads in the server; null for its choice.</param>
    public static Result Run(FileInfo texts, int clients, int maxBatchRows, int seconds, int? threads) =>
        RunAsync([.. DataFile.Read(texts).Select(row => row.Text)], clients, maxBatchRows, TimeSpan.FromSeconds(seconds), threads).GetAwaiter().GetResult();

    private static async Task<Result> RunAsync(string[] texts, int clients, int maxBatchRows, TimeSpan duration, int? threads)
    {
        using var server = Start(maxBatchRows, threads);
        try
        {
            using var client = new HttpClient { BaseAddress = await AddressAsync(server) };
            await SendAsync(client, texts, clients, WarmUp, new Counts());
            double batches = await MetricAsync(client, "count"), rows = await MetricAsync(client, "sum"), atStart = Memory(server);
            var (counts, memory) = (new Counts(), new List<double>());
            using var measured = new CancellationTokenSource();
            var watch = WatchAsync(server, duration / MemoryReadings, memory, measured.Token);
            long start = Stopwatch.GetTimestamp();
            await SendAsync(client, texts, clients, duration, counts);
            double elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
            await measured.CancelAsync();
            await watch;
            double[] milliseconds = [.. counts.Milliseconds.Order()];
            double Quantile(double part) => milliseconds[(int)(part * (milliseconds.Length - 1))];
            return new Result(
                "load", clients, maxBatchRows, elapsed, milliseconds.Length, counts.Errors, counts.Rejected, milliseconds.Length / elapsed, Quantile(0.5), Quantile(0.99),
                (await MetricAsync(client, "sum") - rows) / (await MetricAsync(client, "count") - batches), atStart, memory);
        }
        finally
        {
            server.Kill(entireProcessTree: true);
            await server.WaitForExitAsync();
        }
    }

    private static Process Start(int maxBatchRows, int? threads)
    {
        string folder = AppContext.BaseDirectory.Replace(Path.Combine("test", typeof(LoadBenchmark).Assembly.GetName().Name!), Path.Combine("samples", "WebApi"), StringComparison.Ordinal);
        string program = Path.Combine(folder, "WebApi.dll");
        if (!File.Exists(program))
            throw new FileNotFoundException($"'{program}' does not exist; build it with: dotnet build -c Release samples/WebApi", program);
        var start = new ProcessStartInfo("dotnet", [program, "--urls=http://127.0.0.1:0", $"--Peft:MaxBatchRows={maxBatchRows}"]) { RedirectStandardOutput = true };
        if (threads is { } count)
            start.Environment["OMP_NUM_THREADS"] = count.ToString(CultureInfo.InvariantCulture);
        return Process.Start(start)!;
    }

    private static async Task<Uri> AddressAsync(Process server)
    {
        while (await server.StandardOutput.ReadLineAsync() is { } line)
        {
            if (Listening().Match(line) is { Success: true } match)
            {
                // What it says later must not fill the pipe.
                _ = server.StandardOutput.ReadToEndAsync();
                return new Uri(match.Groups[1].Value);
            }
        }
        throw new InvalidOperationException("The server ended before it took requests; run samples/WebApi to see why.");
    }

    private static Task SendAsync(HttpClient client, string[] texts, int clients, TimeSpan duration, Counts counts)
    {
        long start = Stopwatch.GetTimestamp();
        int next = -1;
        return Task.WhenAll(Enumerable.Range(0, clients).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(start) < duration)
            {
                int number = Interlocked.Increment(ref next);
                await SendAsync(client, texts[number % texts.Length], Adapters[number % Adapters.Length], counts);
            }
        }));
    }

    private static async Task SendAsync(HttpClient client, string text, string adapter, Counts counts)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            using var response = await client.PostAsJsonAsync("/classify", new { adapter, text });
            await response.Content.ReadAsByteArrayAsync();
            if (response.StatusCode == HttpStatusCode.OK)
                counts.Milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            else
                Interlocked.Increment(ref response.StatusCode == HttpStatusCode.TooManyRequests ? ref counts.Rejected : ref counts.Errors);
        }
        catch (HttpRequestException)
        {
            Interlocked.Increment(ref counts.Errors);
        }
    }

    private static async Task WatchAsync(Process server, TimeSpan pause, List<double> memory, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(pause, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            memory.Add(Math.Round(Memory(server), 1));
        }
    }

    private static double Memory(Process server)
    {
        server.Refresh();
        return server.WorkingSet64 / 1e6;
    }

    /// <summary>The number or the sum of the rows of all batches so far, from the server's own metrics.</summary>
    private static async Task<double> MetricAsync(HttpClient client, string part)
    {
        // The page of metrics is kept for a moment.
        await Task.Delay(500);
        string page = await client.GetStringAsync("/metrics");
        var line = Regex.Match(page, $@"^peft_classification_batch_rows\w*_{part}\S* (\S+)", RegexOptions.Multiline);
        return double.Parse(line.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
    }

    private sealed class Counts
    {
        public long Errors;
        public long Rejected;

        public ConcurrentBag<double> Milliseconds { get; } = [];
    }

    [GeneratedRegex(@"Now listening on: (http://\S+)")]
    private static partial Regex Listening();
}
