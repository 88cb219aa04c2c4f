// What a fragment marked "compiled with: hub" may use besides its own names.
global using Microsoft.ML.Peft;
global using static Documentation.Hub;

namespace Documentation;

internal static class Hub
{
    public static readonly IProgress<DownloadProgress> progress = new Progress<DownloadProgress>();
    public static readonly CancellationToken cancellationToken = CancellationToken.None;
}
