namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>Writes files so that a crash, a full disk or a second writer never leaves half of one behind.</summary>
internal static class AtomicFile
{
    /// <summary>
    /// Writes to a new file beside <paramref name="path"/> and renames it over the target once it is on the disk. When
    /// that fails, the target keeps its old content and no other file is left.
    /// </summary>
    /// <exception cref="IOException">The disk is full or the directory is missing or unusable.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory or the target is not writable.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        path = Path.GetFullPath(path);
        string partial = $"{path}.{Path.GetRandomFileName()}.partial";
        try
        {
            using (FileStream file = new(partial, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
        }
        catch (UnauthorizedAccessException e)
        {
            Remove(partial);
            throw new UnauthorizedAccessException(
                $"'{path}' could not be written and is unchanged; make its directory writable or choose another one. {e.Message}", e);
        }
        catch (IOException e)
        {
            Remove(partial);
            throw new IOException(
                $"'{path}' could not be written and is unchanged; check that its directory exists, is writable and has space left. {e.Message}", e);
        }
        catch
        {
            Remove(partial);
            throw;
        }
    }

    private static void Remove(string partial)
    {
        try
        {
            File.Delete(partial);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first error says more than this one.
        }
    }
}
