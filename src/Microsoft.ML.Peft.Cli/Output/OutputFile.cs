namespace Microsoft.ML.Peft.Cli.Output;

/// <summary>A file that appears whole or not at all.</summary>
internal static class OutputFile
{
    /// <summary>Refuses a place that cannot be written, before work that would be lost.</summary>
    /// <exception cref="IOException">The directory does not exist, or the path is one.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory, or a file of this name in it, is not writable.</exception>
    public static void Check(string path)
    {
        string directory = DirectoryOf(path);
        if (Directory.Exists(path))
            throw new IOException($"'{path}' is a directory; give the path of a file.");
        if (!Directory.Exists(directory))
            throw new DirectoryNotFoundException($"The directory '{directory}' does not exist; make it, or choose another place for '{Path.GetFileName(path)}'.");
        try
        {
            File.Delete(Create(path));
            if (File.Exists(path))
                new FileStream(path, FileMode.Open, FileAccess.Write).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnauthorizedAccessException($"'{path}' cannot be written ({e.Message.TrimEnd('.')}); check the permissions of its directory, or choose another place.", e);
        }
    }

    /// <summary>Writes the file in place of an older one.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string partial = Create(path);
        try
        {
            using (var stream = new FileStream(partial, FileMode.Create, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(partial, path, overwrite: true);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    private static string Create(string path)
    {
        string partial = Path.Combine(DirectoryOf(path), $".{Path.GetFileName(path)}.{Path.GetRandomFileName()}");
        File.Create(partial).Dispose();
        return partial;
    }

    private static string DirectoryOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;
}
