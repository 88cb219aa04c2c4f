using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>The process's working set: its peak, and by how much it grew since this object was made.</summary>
internal sealed class ProcessMemory
{
    private readonly double _peakBefore;
    private readonly bool _reset;

    public ProcessMemory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TryReturnFreed();
        _peakBefore = CurrentPeak;
        _reset = TryResetPeak();
        Start = Environment.WorkingSet / 1e6;
    }

    /// <summary>The highest working set of the process so far, in 10⁶ bytes, mapped files that were touched included.</summary>
    public static double CurrentPeak
    {
        get
        {
            using var process = Process.GetCurrentProcess();
            return process.PeakWorkingSet64 / 1e6;
        }
    }

    /// <summary>The working set when this object was made, in 10⁶ bytes.</summary>
    public double Start { get; }

    /// <summary>The highest working set since the process's start, in 10⁶ bytes.</summary>
    public double Peak => Math.Max(_peakBefore, CurrentPeak);

    /// <summary>How far the working set rose above its start, in 10⁶ bytes; null where the system cannot tell a later peak from an earlier one.</summary>
    public double? Growth => _reset ? CurrentPeak - Start : null;

    /// <summary>Gives what was freed back to the system, where it can be asked to: else what follows would grow into it unseen.</summary>
    private static void TryReturnFreed()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = malloc_trim(0);
        }
        // Only the GNU C library has it.
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
        }
    }

    /// <summary>Forgets the peak, which only Linux can; without this the peak of loading the model would hide that of what follows.</summary>
    private static bool TryResetPeak()
    {
        const string peakWorkingSet = "5";
        if (!OperatingSystem.IsLinux())
            return false;
        try
        {
            File.WriteAllText("/proc/self/clear_refs", peakWorkingSet);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    [DllImport("libc.so.6", ExactSpelling = true)]
    private static extern int malloc_trim(nuint pad);
}
