using System.Runtime.CompilerServices;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>The reference results recorded with Hugging Face's libraries, read where they lie in the repository.</summary>
internal static class Fixtures
{
    public static string Root { get; } = Path.Combine(ProjectDirectory(), "Fixtures");

    /// <summary>Every adapter directory that Hugging Face PEFT saved, relative to <see cref="Root"/>.</summary>
    public static TheoryData<string> Adapters { get; } =
        [.. Directory.EnumerateFiles(Root, "adapter_config.json", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Root, Path.GetDirectoryName(file)!))
            .Order(StringComparer.Ordinal)];

    private static string ProjectDirectory([CallerFilePath] string source = "") => Path.GetFullPath(Path.Combine(source, "../.."));
}
