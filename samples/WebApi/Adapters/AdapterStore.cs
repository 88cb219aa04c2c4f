using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using Microsoft.ML.Peft;
using WebApi.Hosting;

namespace WebApi.Adapters;

/// <summary>The adapters of both models, which lie in a directory: what clients upload is there after a restart, and what they remove is not.</summary>
internal sealed partial class AdapterStore : IDisposable
{
    private readonly string _directory;
    private readonly int _maxAdapters;
    private readonly ServerMetrics _metrics;
    private readonly SemaphoreSlim _change = new(1);     // changes come one after the other

    /// <summary>Loads both models and all adapters.</summary>
    public AdapterStore(IOptions<Settings> settings, ServerMetrics metrics, ILogger<AdapterStore> logger)
    {
        (_directory, _maxAdapters, _metrics) = (settings.Value.AdapterDirectory, settings.Value.MaxAdapters, metrics);
        Encoder = new ServedModel(PretrainedModel.Load(settings.Value.Encoder), writes: false);
        LanguageModel = new ServedModel(PretrainedModel.Load(settings.Value.LanguageModel), writes: true);
        Directory.CreateDirectory(_directory);
        foreach (string directory in Directory.EnumerateDirectories(_directory).Where(directory => Name().IsMatch(Path.GetFileName(directory))).Order(StringComparer.Ordinal))
        {
            var model = ModelFor(directory);
            model.Check(directory);
            Set(model, Path.GetFileName(directory));
        }
        logger.LogInformation("Serving {Adapters} from {Directory}.", string.Join(", ", All.Select(adapter => adapter.Name)), _directory);
    }

    /// <summary>The model that classifies.</summary>
    public ServedModel Encoder { get; }

    /// <summary>The model that writes.</summary>
    public ServedModel LanguageModel { get; }

    /// <summary>All adapters, by name.</summary>
    public IReadOnlyList<ServedAdapter> All => [.. Encoder.Adapters.Values.Concat(LanguageModel.Adapters.Values).OrderBy(adapter => adapter.Name, StringComparer.Ordinal)];

    /// <summary>Serves what an upload holds, in the place of an adapter of the same name.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="upload">A directory with its files.</param>
    /// <param name="cancellationToken">Ends waiting for other changes.</param>
    /// <returns>The adapter, and whether none had its name before.</returns>
    public async Task<(ServedAdapter Adapter, bool IsNew)> PutAsync(string name, string upload, CancellationToken cancellationToken)
    {
        CheckName(name);
        await _change.WaitAsync(cancellationToken);
        try
        {
            return await Task.Run(() => Put(name, upload), CancellationToken.None);
        }
        finally
        {
            _change.Release();
        }
    }

    /// <summary>Serves an adapter no more, and deletes its files.</summary>
    public async Task RemoveAsync(string name, CancellationToken cancellationToken)
    {
        await _change.WaitAsync(cancellationToken);
        try
        {
            if (!await Task.Run(() => Encoder.Remove(name) || LanguageModel.Remove(name), CancellationToken.None))
                throw NotFound(name, All);
            _metrics.Adapters(-1);
            if (Directory.Exists(Path.Combine(_directory, name)))
                Directory.Delete(Path.Combine(_directory, name), recursive: true);
        }
        finally
        {
            _change.Release();
        }
    }

    /// <exception cref="RequestException">The name is none.</exception>
    public static void CheckName(string name)
    {
        if (!Name().IsMatch(name))
            throw new RequestException(StatusCodes.Status400BadRequest, "The name of an adapter has 1 to 64 lower-case letters, digits and hyphens, and begins with a letter; take another one.");
    }

    public static RequestException NotFound(string name, IEnumerable<ServedAdapter> others) => new(
        StatusCodes.Status404NotFound, $"There is no adapter '{name}' here; take one of: {string.Join(", ", others.Select(adapter => adapter.Name).Order(StringComparer.Ordinal).DefaultIfEmpty("(none)"))}.");

    public void Dispose()
    {
        Encoder.Dispose();
        LanguageModel.Dispose();
        _change.Dispose();
    }

    private (ServedAdapter Adapter, bool IsNew) Put(string name, string upload)
    {
        var model = Checked(upload);
        var other = model == Encoder ? LanguageModel : Encoder;
        if (other.Adapters.ContainsKey(name))
            throw new RequestException(StatusCodes.Status409Conflict, $"There is an adapter '{name}' of the other model; remove it first, or take another name.");
        bool isNew = !model.Adapters.ContainsKey(name);
        if (isNew && All.Count >= _maxAdapters)
            throw new RequestException(StatusCodes.Status409Conflict, $"The server has {_maxAdapters} adapters, as many as it may; remove one first.");
        // The library writes what it has understood of the upload, all files or none, and nothing else of the upload is kept.
        using (var adapter = model.Load(upload))
            adapter.Save(Path.Combine(_directory, name));
        Set(model, name);
        return (model.Adapters[name], isNew);
    }

    private void Set(ServedModel model, string name)
    {
        int before = model.Adapters.Count;
        model.Set(name, Path.Combine(_directory, name));
        _metrics.Adapters(model.Adapters.Count - before);
    }

    /// <summary>The model of an upload that can be used.</summary>
    /// <exception cref="RequestException">It cannot.</exception>
    private ServedModel Checked(string upload)
    {
        try
        {
            var model = ModelFor(upload);
            model.Check(upload);
            return model;
        }
        catch (Exception e) when (e is InvalidDataException or FileNotFoundException or NotSupportedException or InvalidOperationException)
        {
            // Where the upload lies on the server is nobody's business.
            string message = e.Message.Replace(upload + Path.DirectorySeparatorChar, "", StringComparison.Ordinal).Replace(upload, "upload", StringComparison.Ordinal);
            throw new RequestException(StatusCodes.Status400BadRequest, message);
        }
    }

    private ServedModel ModelFor(string directory) =>
        AdapterDescription.Read(directory).TaskType?.EndsWith("_LM", StringComparison.Ordinal) == true ? LanguageModel : Encoder;

    [GeneratedRegex("^[a-z][a-z0-9-]{0,63}$", RegexOptions.NonBacktracking)]
    private static partial Regex Name();
}
