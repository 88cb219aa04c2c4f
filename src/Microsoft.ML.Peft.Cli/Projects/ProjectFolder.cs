using System.Security.Cryptography;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>A folder whose files appear together or not at all.</summary>
internal static class ProjectFolder
{
    /// <summary>Refuses a place that cannot be written, or that holds what others have made, before work that would be lost.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="force">Whether files of others may be replaced.</param>
    /// <exception cref="IOException">It is in use by something else.</exception>
    /// <exception cref="UnauthorizedAccessException">It is not writable.</exception>
    public static void Check(string path, bool force)
    {
        string parent = ParentOf(path);
        if (File.Exists(path))
            throw new IOException($"'{path}' is a file; give the folder of the project.");
        if (!Directory.Exists(parent))
            throw new DirectoryNotFoundException($"The directory '{parent}' does not exist; make it, or choose another place for '{Path.GetFileName(path)}'.");
        if (!force && Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any() && Objection(path) is { } objection)
            throw new IOException($"'{path}' {objection}; choose another folder, or replace its files of the same names with --force.");
        try
        {
            Directory.Delete(Temporary(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnauthorizedAccessException($"'{parent}' cannot be written ({e.Message.TrimEnd('.')}); check its permissions, or choose another place.", e);
        }
    }

    /// <summary>Writes the files, and puts them in place of those of the same names.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="fill">Writes the files into the folder that it is given.</param>
    public static void Write(string path, Action<string> fill)
    {
        string partial = Temporary(path);
        try
        {
            fill(partial);
            if (Directory.Exists(path))
                Replace(partial, path);
            else
                Directory.Move(partial, path);
        }
        finally
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
        }
    }

    /// <summary>What tells whether a file is as it was.</summary>
    public static string Fingerprint(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content))[..16];

    /// <summary>Why a folder is not simply replaced; null for one that this program has written and nobody has changed.</summary>
    private static string? Objection(string path)
    {
        if (Written(path) is not { } written)
            return "is not empty and no project of peftml";
        string[] changed = [.. written.Where(file => File.Exists(Path.Combine(path, file.Key)) && !IsUnchanged(path, file.Key, file.Value)).Select(file => file.Key)];
        return changed.Length == 0 ? null : $"has been changed since it was written ({string.Join(", ", changed)})";
    }

    /// <summary>What this program has written into a folder, with fingerprints; null for a folder of others.</summary>
    private static Dictionary<string, string>? Written(string path)
    {
        if (Directory.GetFiles(path, $"*{TrainingConfig.FileEnding}") is not [var config])
            return null;
        try
        {
            return new Dictionary<string, string>(TrainingConfig.Read(config).Files) { [Path.GetFileName(config)] = Fingerprint(File.ReadAllBytes(config)) };
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static bool IsUnchanged(string path, string file, string fingerprint) =>
        File.Exists(Path.Combine(path, file)) && Fingerprint(File.ReadAllBytes(Path.Combine(path, file))) == fingerprint;

    /// <summary>New files in place of old ones; and what was written before and is no part of the project any more goes.</summary>
    private static void Replace(string partial, string path)
    {
        string old = Temporary(path);
        string[] added = [.. Directory.GetFiles(partial).Select(file => Path.GetFileName(file))];
        string[] stale = [.. (Written(path) ?? []).Where(file => IsUnchanged(path, file.Key, file.Value)).Select(file => file.Key)];
        try
        {
            foreach (string file in added.Union(stale).Where(file => File.Exists(Path.Combine(path, file))))
                File.Move(Path.Combine(path, file), Path.Combine(old, file));
            foreach (string file in added)
                File.Move(Path.Combine(partial, file), Path.Combine(path, file));
        }
        catch
        {
            foreach (string file in added.Where(file => !File.Exists(Path.Combine(partial, file))))
                File.Delete(Path.Combine(path, file));
            foreach (string file in Directory.GetFiles(old))
                File.Move(file, Path.Combine(path, Path.GetFileName(file)));
            throw;
        }
        finally
        {
            Directory.Delete(old, recursive: true);
        }
    }

    private static string Temporary(string path) => Directory.CreateDirectory(Path.Combine(ParentOf(path), $".{Path.GetFileName(Path.TrimEndingDirectorySeparator(path))}.{Path.GetRandomFileName()}")).FullName;

    private static string ParentOf(string path) => Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)))!;
}
