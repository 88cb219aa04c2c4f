using System.IO.Compression;
using WebApi.Hosting;

namespace WebApi.Adapters;

/// <summary>
/// The files of an uploaded adapter, in a temporary directory. Only the files that adapters have are written, under names that this program
/// knows: a name in an upload is compared, and never becomes a path.
/// </summary>
internal sealed class AdapterUpload : IDisposable
{
    private const int MaxEntries = 100;

    private static readonly HashSet<string> FileNames = new(StringComparer.Ordinal)
    {
        "adapter_config.json", "adapter_model.safetensors", "head.json", "head.safetensors", "generation.json", "label_words.json",
    };

    private readonly DirectoryInfo _directory = System.IO.Directory.CreateTempSubdirectory("peft-upload-");
    private readonly long _maxBytes;
    private long _bytes;

    private AdapterUpload(long maxBytes) => _maxBytes = maxBytes;

    public string Directory => _directory.FullName;

    /// <summary>Receives a zip file, or the adapter's files as a form.</summary>
    /// <exception cref="RequestException">It is neither, or not what an adapter is.</exception>
    public static async Task<AdapterUpload> ReceiveAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        var upload = new AdapterUpload(maxBytes);
        try
        {
            if (request.HasFormContentType)
                await upload.AddFormAsync(await ReadFormAsync(request, cancellationToken), cancellationToken);
            else if (request.ContentType is { } type && type.StartsWith("application/zip", StringComparison.OrdinalIgnoreCase))
                await upload.AddZipAsync(request.Body, cancellationToken);
            else
                throw new RequestException(StatusCodes.Status415UnsupportedMediaType, "Send the adapter as a zip file (Content-Type: application/zip), or its files as a form (multipart/form-data).");
            return upload;
        }
        catch
        {
            upload.Dispose();
            throw;
        }
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static async Task<IFormCollection> ReadFormAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await request.ReadFormAsync(cancellationToken);
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw Bad($"The form cannot be read; send its files as multipart/form-data. ({e.Message})");
        }
    }

    private async Task AddFormAsync(IFormCollection form, CancellationToken cancellationToken)
    {
        if (form.Files is [var zip] && zip.FileName.EndsWith(".zip", StringComparison.OrdinalIgnoreCase))
        {
            await using var content = zip.OpenReadStream();
            await AddZipAsync(content, cancellationToken);
            return;
        }
        if (form.Files.Count == 0)
            throw Bad("The form has no files; send adapter_config.json, adapter_model.safetensors and what lies beside them, or one zip file.");
        foreach (var file in form.Files)
        {
            await using var content = file.OpenReadStream();
            await AddAsync(file.FileName, content, cancellationToken);
        }
    }

    /// <summary>The archive is kept in a file, as reading one takes going back and forth.</summary>
    private async Task AddZipAsync(Stream zip, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(Path.Combine(Directory, "upload.zip"), new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous,
        });
        await zip.CopyToAsync(file, cancellationToken);
        try
        {
            await using var archive = await ZipArchive.CreateAsync(file, ZipArchiveMode.Read, leaveOpen: true, entryNameEncoding: null, cancellationToken);
            await AddEntriesAsync(archive, cancellationToken);
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException)
        {
            throw Bad($"The zip file cannot be read; make it anew. ({e.Message})");
        }
    }

    private async Task AddEntriesAsync(ZipArchive archive, CancellationToken cancellationToken)
    {
        if (archive.Entries.Count > MaxEntries)
            throw Bad($"The zip file has {archive.Entries.Count} entries; put only the files of one adapter into it.");
        foreach (var entry in archive.Entries)
        {
            string[] path = entry.FullName.Split('/', '\\');
            if (path.Contains("..") || Path.IsPathRooted(entry.FullName) || path[0].Contains(':', StringComparison.Ordinal))
                throw Bad($"The zip file has the entry '{entry.FullName}', which lies outside of it; make it anew from the adapter's directory.");
            // Whatever else is there, such as a README, is no part of the adapter.
            if (!FileNames.Contains(path[^1]))
                continue;
            await using var content = await entry.OpenAsync(cancellationToken);
            await AddAsync(path[^1], content, cancellationToken);
        }
    }

    private async Task AddAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        if (!FileNames.TryGetValue(name, out string? known))
            throw Bad($"'{name}' is no file of an adapter; an adapter has {string.Join(", ", FileNames)}.");
        string path = Path.Combine(Directory, known);
        if (File.Exists(path))
            throw Bad($"'{known}' is there twice; send the files of one adapter.");
        await using var file = File.Create(path);
        byte[] buffer = new byte[81920];
        int read;
        // What a zip file says of its entries' sizes may be a lie, so what comes is counted.
        while ((read = await content.ReadAsync(buffer, cancellationToken)) > 0)
        {
            _bytes += read;
            if (_bytes > _maxBytes)
                throw new RequestException(StatusCodes.Status413PayloadTooLarge, $"The adapter's files have more than {_maxBytes} bytes; send a smaller adapter, or raise the setting Peft:MaxAdapterBytes.");
            await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
    }

    private static RequestException Bad(string message) => new(StatusCodes.Status400BadRequest, message);
}
