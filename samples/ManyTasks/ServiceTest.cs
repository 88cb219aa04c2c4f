using Microsoft.ML.Peft;

namespace ManyTasks;

/// <summary>What happened while an adapter came and went.</summary>
/// <param name="Batches">The batches that other threads predicted.</param>
/// <param name="Changed">How many of their rows got another class than before.</param>
/// <param name="Times">How often the adapter was removed and added again.</param>
internal sealed record ServiceTest(long Batches, long Changed, int Times)
{
    private const int Threads = 2;

    /// <summary>Threads predict with some adapters, again and again, while another adapter is removed, added and used.</summary>
    public static ServiceTest Run(PeftModel model, (string Adapter, string Text)[] rows, string name, string directory, TimeSpan time, CancellationToken cancellation)
    {
        int[] expected = Classes(model, rows);
        long batches = 0, changed = 0;
        int times = 0;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] threads = [.. Enumerable.Range(0, Threads).Select(_ => Task.Run(() =>
        {
            while (!end.IsCancellationRequested)
            {
                Interlocked.Add(ref changed, Classes(model, rows).Zip(expected).Count(pair => pair.First != pair.Second));
                Interlocked.Increment(ref batches);
            }
        }))];
        try
        {
            for (long start = Environment.TickCount64; Environment.TickCount64 - start < time.TotalMilliseconds && !cancellation.IsCancellationRequested; times++)
            {
                model.RemoveAdapter(name);
                model.AddAdapter(name, directory);
                model.Classify([(name, rows[0].Text)]);
            }
        }
        finally
        {
            end.Cancel();
            Task.WaitAll(threads, CancellationToken.None);
        }
        cancellation.ThrowIfCancellationRequested();
        return new ServiceTest(batches, changed, times);
    }

    private static int[] Classes(PeftModel model, (string, string)[] rows) => [.. model.Classify(rows).Select(row => Array.IndexOf(row, row.Max()))];
}
