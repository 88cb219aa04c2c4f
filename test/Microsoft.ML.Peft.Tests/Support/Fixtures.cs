using System.Runtime.CompilerServices;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Where the reference results lie.</summary>
internal static class Fixtures
{
    /// <summary>The folder of the source tree, which is always there.</summary>
    public static string Default { get; } = FindDefault();

    /// <summary>The folder that <c>PEFTML_PARITY</c> names, or else the one of the source tree.</summary>
    public static string Root { get; } =
        Environment.GetEnvironmentVariable("PEFTML_PARITY") is { Length: > 0 } folder ? folder : Default;

    private static string FindDefault([CallerFilePath] string thisFile = "")
    {
        string beside = Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "Fixtures");
        if (Directory.Exists(beside))
            return Path.GetFullPath(beside);
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "Fixtures");
            if (Directory.Exists(candidate))
                return candidate;
        }
        throw new DirectoryNotFoundException("The Fixtures folder of the tests was not found; set PEFTML_PARITY.");
    }
}
