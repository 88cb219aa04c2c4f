using Microsoft.ML.Runtime;

namespace Microsoft.ML.Peft.Estimators;

/// <summary>What MLContext.CancelExecution, an internal method of ML.NET, stops.</summary>
internal static class HostCancellation
{
    /// <summary>Whether it was called since the host was registered.</summary>
    public static bool IsCancelled(IHost host) => ((ICancelable)host).IsCanceled;
}
