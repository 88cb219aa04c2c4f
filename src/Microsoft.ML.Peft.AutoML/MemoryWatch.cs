namespace Microsoft.ML.Peft.AutoML;

/// <summary>
/// The memory that trials use: what the process holds beyond what it held before them. The frozen model and the data are theirs in
/// common and count for none.
/// </summary>
/// <param name="mostMegabytes">The most per trial; null for no limit.</param>
internal sealed class MemoryWatch(double? mostMegabytes)
{
    private const double Megabyte = 1e6;
    private long _before;

    /// <summary>Called when no trial is running.</summary>
    public void Settle() => _before = Environment.WorkingSet;

    /// <summary>Megabytes per running trial.</summary>
    public double Share(int trials) => Math.Max(0, Environment.WorkingSet - _before) / Megabyte / Math.Max(1, trials);

    public bool IsTooMuch(double share) => share > mostMegabytes;
}
