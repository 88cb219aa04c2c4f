using System.Diagnostics;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Native;

/// <summary>
/// Shares work of some microseconds among as many threads as libtorch has. Helpers come from the thread pool and linger for the next
/// work, because waking one takes longer than the work. Parts are taken one by one, so that nothing waits for a helper that is late or
/// that another caller keeps: whoever calls then does all of it alone.
/// </summary>
internal static class SharedWork
{
    private static readonly long Linger = Stopwatch.Frequency / 10_000;     // 100 µs

    private static Work? _current;
    private static int _helpers;

    /// <summary>Calls an action for each of the parts 0 … count − 1, in any order, and returns when all are done.</summary>
    /// <param name="count">How many parts there are.</param>
    /// <param name="action">What is done for a part; must not throw.</param>
    public static void Run(int count, Action<int> action)
    {
        var work = new Work(count, action);
        int helpers = Math.Min(get_num_threads(), count) - 1;
        if (helpers > 0)
        {
            Volatile.Write(ref _current, work);
            for (int missing = helpers - Volatile.Read(ref _helpers); missing > 0; missing--)
            {
                Interlocked.Increment(ref _helpers);
                ThreadPool.UnsafeQueueUserWorkItem(static _ => Help(), null);
            }
        }
        work.Join();
        work.Wait();
        // What the action holds is not to live longer than its work.
        Interlocked.CompareExchange(ref _current, null, work);
    }

    private static void Help()
    {
        for (long since = Stopwatch.GetTimestamp(); Stopwatch.GetTimestamp() - since < Linger;)
        {
            if (Volatile.Read(ref _current) is { } work && work.Join())
                since = Stopwatch.GetTimestamp();
            else
                Thread.SpinWait(8);
        }
        Interlocked.Decrement(ref _helpers);
    }

    private sealed class Work(int count, Action<int> action)
    {
        private int _next;
        private int _done;

        /// <summary>Does parts until none is left; false if none was.</summary>
        public bool Join()
        {
            bool any = false;
            while (Volatile.Read(ref _next) < count && Interlocked.Increment(ref _next) - 1 is var part && part < count)
            {
                action(part);
                Interlocked.Increment(ref _done);
                any = true;
            }
            return any;
        }

        public void Wait()
        {
            var spinner = new SpinWait();
            while (Volatile.Read(ref _done) < count)
                spinner.SpinOnce(sleep1Threshold: -1);
        }
    }
}
