using System.Runtime.CompilerServices;

namespace Microsoft.ML.Peft.Tests;

/// <summary>The reference results recorded with Hugging Face's libraries, read where they lie in the repository.</summary>
internal static class Fixtures
{
    /// <summary>The folder of the source tree, which is always there.</summary>
    public static string Default { get; } = FindDefault();

    /// <summary>The folder that <c>PEFTML_PARITY</c> names, or else the one of the source tree.</summary>
    public static string Root { get; } =
        Environment.GetEnvironmentVariable("PEFTML_PARITY") is { Length: > 0 } folder ? Path.GetFullPath(folder) : Default;

    /// <summary>Every adapter directory that Hugging Face PEFT saved, relative to <see cref="Root"/>.</summary>
    public static TheoryData<string> Adapters { get; } =
        [.. Directory.EnumerateFiles(Root, "adapter_config.json", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Root, Path.GetDirectoryName(file)!))
            .Order(StringComparer.Ordinal)];

    /// <summary>A kind of reference results: those given, or the source tree's where the given ones have none of that kind.</summary>
    public static string Folder(string kind) => Directory.Exists(Path.Combine(Root, kind)) ? Path.Combine(Root, kind) : Path.Combine(Default, kind);

    /// <summary>The subfolders of <see cref="Folder"/>, in order.</summary>
    public static IEnumerable<string> Folders(string kind) => Directory.GetDirectories(Folder(kind)).Order(StringComparer.Ordinal);

    /// <summary>The directory of one of the small random models.</summary>
    public static string Model(string name)
    {
        string given = Path.Combine(Root, "models", name);
        return Directory.Exists(given) ? given : Path.Combine(Default, "models", name);
    }

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
