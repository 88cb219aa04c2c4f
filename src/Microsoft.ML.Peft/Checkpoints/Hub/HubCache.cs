namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>
/// One repository in the cache that all Hugging Face libraries share: `blobs` holds the files by their hash, `snapshots` names them
/// for each commit, `refs` says which commit a branch or tag is, and `.no_exist` what a commit does not have.
/// </summary>
internal sealed class HubCache
{
    private const string FolderPrefix = "models--";

    private readonly HubOptions _options;
    private readonly string _root;
    private readonly string _locks;

    public HubCache(HubOptions options, string repository)
    {
        _options = options;
        string folder = FolderPrefix + repository.Replace("/", "--", StringComparison.Ordinal);
        _root = Path.Combine(options.CacheDirectory, folder);
        _locks = Path.Combine(options.CacheDirectory, ".locks", folder);
    }

    /// <summary>The repositories of models and adapters that have a folder in the cache, by name.</summary>
    public static IReadOnlyList<string> Repositories(HubOptions options)
    {
        if (!Directory.Exists(options.CacheDirectory))
            return [];
        return [.. Directory.EnumerateDirectories(options.CacheDirectory, FolderPrefix + "*")
            .Select(path => Path.GetFileName(path)[FolderPrefix.Length..].Replace("--", "/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    /// <summary>The repository's folder.</summary>
    public string Root => _root;

    /// <summary>The bytes of all its files, each counted once, and of downloads on their way.</summary>
    public long Bytes => Files().Sum(file => file.Length);

    /// <summary>When a file last came.</summary>
    public DateTime LastWriteTime => Files().Select(file => file.LastWriteTime).DefaultIfEmpty(Directory.GetLastWriteTime(_root)).Max();

    /// <summary>Branches and tags with the commits that they were when they were last looked up.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Refs
    {
        get
        {
            string refs = Path.Combine(_root, "refs");
            return !Directory.Exists(refs) ? [] : [.. from path in Directory.EnumerateFiles(refs, "*", SearchOption.AllDirectories)
                let name = Path.GetRelativePath(refs, path).Replace(Path.DirectorySeparatorChar, '/')
                let commit = Commit(name)
                where commit is not null
                orderby name
                select KeyValuePair.Create(name, commit)];
        }
    }

    /// <summary>Removes all of the repository.</summary>
    /// <returns>The bytes that it took.</returns>
    public long Remove()
    {
        long bytes = Bytes;
        // Renamed first: what is removed halfway must not look like a model.
        Writing(_root, path =>
        {
            string removed = Path.Combine(_options.CacheDirectory, $".removed-{Path.GetRandomFileName()}");
            Directory.Move(path, removed);
            Directory.Delete(removed, recursive: true);
            if (Directory.Exists(_locks))
                Directory.Delete(_locks, recursive: true);
        });
        return bytes;
    }

    /// <summary>The commits of which there are files.</summary>
    public IReadOnlyList<string> Commits => Directory.Exists(Path.Combine(_root, "snapshots"))
        ? [.. Directory.EnumerateDirectories(Path.Combine(_root, "snapshots")).Select(path => Path.GetFileName(path)).Where(HubId.IsCommit).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>The commit that a revision was when it was last looked up; null where that is not known.</summary>
    public string? Commit(string revision)
    {
        if (HubId.IsCommit(revision))
            return revision;
        string path = Ref(revision);
        return File.Exists(path) && File.ReadAllText(path).Trim() is var commit && HubId.IsCommit(commit) ? commit : null;
    }

    public string Snapshot(string commit) => Path.Combine(_root, "snapshots", commit);

    /// <summary>Where a file of a commit is, or would be.</summary>
    public string Location(string commit, string name) => Local(Snapshot(commit), name);

    /// <summary>Whether a file of a commit is there. What is there is whole.</summary>
    public bool Has(string commit, string name)
    {
        string path = Location(commit, name);
        // A link whose target is gone exists, too.
        return File.Exists(path) && File.ResolveLinkTarget(path, returnFinalTarget: true) is not { Exists: false };
    }

    /// <summary>Whether the hub has said that a commit lacks a file.</summary>
    public bool IsAbsent(string commit, string name) => File.Exists(Absent(commit, name));

    public void MarkAbsent(string commit, string name) => Writing(Absent(commit, name), path => File.WriteAllBytes(path, []));

    public void WriteRef(string revision, string commit)
    {
        // Other libraries read the whole file as the commit: no newline.
        if (Commit(revision) != commit)
            Writing(Ref(revision), path => AtomicFile.Write(path, stream => stream.Write(System.Text.Encoding.ASCII.GetBytes(commit))));
    }

    /// <summary>Bytes that are there of a file: all, or what a broken download left.</summary>
    public long BytesOf(HubFile file) => HasBlob(file) ? file.Size : new FileInfo(Partial(file)) is { Exists: true, Length: var length } ? Math.Min(length, file.Size) : 0;

    public bool HasBlob(HubFile file) => new FileInfo(Blob(file)) is { Exists: true, Length: var length } && length == file.Size;

    /// <summary>A file's download on its way.</summary>
    public string Partial(HubFile file) => Blob(file) + ".incomplete";

    /// <summary>A download that is whole and checked becomes a blob.</summary>
    public void Keep(HubFile file) => Writing(Blob(file), path => File.Move(Partial(file), path, overwrite: true));

    /// <summary>Lets the commit's snapshot have a blob.</summary>
    /// <param name="file">The file.</param>
    /// <param name="isNew">No other snapshot has the blob yet: without symbolic links it may be moved.</param>
    public void Link(HubFile file, bool isNew) => Writing(Location(file.Commit, file.Name), path =>
    {
        if (new FileInfo(path).LinkTarget is not null)
            File.Delete(path);   // a link whose target is gone
        if (_options.SymbolicLinks && TryLink(path, Path.GetRelativePath(Path.GetDirectoryName(path)!, Blob(file))))
            return;
        string source = Blob(file);
        if (!isNew)
        {
            source = $"{source}.{Path.GetRandomFileName()}.incomplete";
            File.Copy(Blob(file), source);
        }
        File.Move(source, path, overwrite: true);
    });

    /// <summary>Keeps other processes, of this library or another, from the same download. Disposing ends it.</summary>
    public async Task<IDisposable> LockAsync(HubFile file, CancellationToken cancellationToken)
    {
        Writing(Blob(file), _ => { });
        string path = Path.Combine(_locks, file.Hash + ".lock");
        return await WritingAsync(path, () => ExclusiveFile.OpenAsync(path, cancellationToken));
    }

    /// <summary>A file's download, alone with it: some libraries remove locks that others hold.</summary>
    public Task<FileStream> OpenPartialAsync(HubFile file, CancellationToken cancellationToken) =>
        WritingAsync(Partial(file), () => ExclusiveFile.OpenAsync(Partial(file), cancellationToken));

    /// <summary>The disk's space, once the cache's folder is there.</summary>
    public long FreeSpace()
    {
        Writing(Path.Combine(_root, "blobs"), _ => { });
        return _options.FreeSpace(_root);
    }

    /// <summary>Links, which most snapshots consist of, are not counted.</summary>
    private IEnumerable<FileInfo> Files() => Directory.Exists(_root)
        ? new DirectoryInfo(_root).EnumerateFiles("*", SearchOption.AllDirectories).Where(file => file.LinkTarget is null)
        : [];

    private string Blob(HubFile file) => Path.Combine(_root, "blobs", file.Hash);

    private string Ref(string revision) => Local(Path.Combine(_root, "refs"), revision);

    private string Absent(string commit, string name) => Local(Path.Combine(_root, ".no_exist", commit), name);

    private static string Local(string folder, string name) => Path.Combine([folder, .. name.Split('/')]);

    private static bool TryLink(string path, string target)
    {
        try
        {
            File.CreateSymbolicLink(path, target);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            return false;   // Windows without developer mode, network drives
        }
    }

    private static void Writing(string path, Action<string> write)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            write(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw HubErrors.Unwritable(path, e);
        }
    }

    private static async Task<T> WritingAsync<T>(string path, Func<Task<T>> write)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return await write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw HubErrors.Unwritable(path, e);
        }
    }
}
