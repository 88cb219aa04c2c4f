using System.Diagnostics;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>The process's working set: its peak, and by how much it grew since this object was made.</summary>
internal sealed class ProcessMemory
{
    private readonly double _peakBefore = CurrentPeak;
    private readonly bool _reset = TryResetPeak();
    private readonly double _start = Environment.WorkingSet / 1e6;

    /// <summary>The highest working set of the process so far, in 10⁶ bytes, mapped files that were touched included.</summary>
    public static double CurrentPeak
    {
        get
        {
            using var process = Process.GetCurrentProcess();
            return process.PeakWorkingSet64 / 1e6;
        }
    }

    /// <summary>The highest working set since the process's start, in 10⁶ bytes.</summary>
    public double Peak => Math.Max(_peakBefore, CurrentPeak);

    /// <summary>How far the working set rose above its start, in 10⁶ bytes; null where the system cannot tell a later peak from an earlier one.</summary>
    public double? Growth => _reset ? CurrentPeak - _start : null;

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
}
