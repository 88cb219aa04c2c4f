namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>
/// Replaces several files of a directory as one: a process that is killed at any moment leaves all old files or all new ones. Other
/// files in the directory stay as they are.
/// </summary>
/// <remarks>
/// A directory that does not exist yet is written beside its place and renamed. One that exists is not replaced, because it may hold other
/// files, be a mount point or be somebody's current directory: the new files are written to a subdirectory of it, count from the moment when
/// that is renamed to <see cref="Saved"/>, and are moved to their places. What a killed process has not moved, <see cref="Recover"/> does.
/// Programs that do not know of it see all old files, all new ones, or none of the one name that they cannot do without.
/// </remarks>
internal sealed class AtomicDirectory
{
    private const string Saved = ".saved";
    private const string Saving = ".saving-";
    private const string Removed = ".removed";

    private readonly string _path;
    private readonly string _last;
    private readonly Action? _beforeOperation;

    /// <param name="path">The directory.</param>
    /// <param name="last">The file that no reader can do without: it is the first to go and the last to come.</param>
    /// <param name="beforeOperation">Called before every operation on the file system.</param>
    public AtomicDirectory(string path, string last, Action? beforeOperation = null)
    {
        _path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        _last = last;
        _beforeOperation = beforeOperation;
    }

    /// <summary>Writes the files, and removes those of the given names that are not among them.</summary>
    /// <param name="names">All files that belong together, whether they are written this time or not.</param>
    /// <param name="write">Writes files of these names to the directory that it is given.</param>
    /// <exception cref="IOException">The disk is full or the path unusable.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory is not writable.</exception>
    public void Write(IEnumerable<string> names, Action<string> write)
    {
        try
        {
            if (Directory.Exists(_path))
                Replace(names, write);
            else
                Create(write);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UnauthorizedAccessException($"{Outcome()}; make the directory writable or choose another one. {Cause(e)}", e);
        }
        catch (IOException e)
        {
            throw new IOException($"{Outcome()}; check that its disk is writable and has space left, and that no other program holds its files. {Cause(e)}", e);
        }
    }

    /// <summary>Ends what a killed process has begun. Does nothing otherwise.</summary>
    /// <exception cref="IOException">A file is in use.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory is not writable.</exception>
    public void Recover()
    {
        string saved = Path.Combine(_path, Saved);
        while (Directory.Exists(saved))
        {
            try
            {
                MoveToPlace(saved);
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                // Somebody else does the same at this moment.
            }
        }
    }

    private void Create(Action<string> write)
    {
        string partial = $"{_path}.{Path.GetRandomFileName()}.partial";
        try
        {
            Do(() => Directory.CreateDirectory(partial));
            write(partial);
            Do(() => Directory.Move(partial, _path));
        }
        catch
        {
            Remove(partial);
            throw;
        }
    }

    private void Replace(IEnumerable<string> names, Action<string> write)
    {
        Recover();
        foreach (string abandoned in Directory.GetDirectories(_path, Saving + "*"))
            Remove(abandoned);
        string partial = Path.Combine(_path, Saving + Path.GetRandomFileName());
        try
        {
            Do(() => Directory.CreateDirectory(partial));
            write(partial);
            foreach (string name in names.Where(name => name == _last || !File.Exists(Path.Combine(partial, name))))
                Do(() => File.WriteAllBytes(Path.Combine(partial, name + Removed), []));
            Do(() => Directory.Move(partial, Path.Combine(_path, Saved)));
        }
        catch
        {
            Remove(partial);
            throw;
        }
        Recover();
    }

    /// <summary>Can be interrupted after every operation and begun again.</summary>
    private void MoveToPlace(string saved)
    {
        string Place(string file) => Path.Combine(_path, Path.GetFileName(file));
        foreach (string mark in Directory.GetFiles(saved, "*" + Removed).OrderByDescending(mark => Path.GetFileName(mark) == _last + Removed))
        {
            Do(() => File.Delete(Place(mark[..^Removed.Length])));
            Do(() => File.Delete(mark));
        }
        foreach (string file in Directory.GetFiles(saved).OrderBy(file => Path.GetFileName(file) == _last))
            Do(() => File.Move(file, Place(file), overwrite: true));
        Do(() => Directory.Delete(saved));
    }

    private void Do(Action operation)
    {
        _beforeOperation?.Invoke();
        operation();
    }

    private void Remove(string partial)
    {
        try
        {
            if (Directory.Exists(partial))
                Do(() => Directory.Delete(partial, recursive: true));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first error says more than this one, and the next writing removes it.
        }
    }

    private string Outcome() => Directory.Exists(Path.Combine(_path, Saved))
        ? $"'{_path}' was saved, but its files could not be moved from '{Saved}' to their places, which the next loading or saving tries again"
        : $"'{_path}' could not be saved and is unchanged";

    /// <summary>The system's own words, where a file below has already said what it was about.</summary>
    private static string Cause(Exception e) => (e.InnerException ?? e).Message;
}
