using System.Collections.Immutable;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft;

public sealed partial class PeftModel
{
    /// <summary>The name of the adapter that the model was loaded with.</summary>
    public const string DefaultAdapter = "default";

    private readonly AdapterShelf _shelf;
    private ImmutableDictionary<string, PeftAdapter> _adapters;

    /// <summary>All adapters by name, as they are at this moment; <see cref="DefaultAdapter"/> is one of them.</summary>
    public IReadOnlyDictionary<string, PeftAdapter> Adapters => Volatile.Read(ref _adapters);

    /// <summary>
    /// Adds an adapter over the same frozen model. Adapters take memory while they are used; of the others those used last stay in memory, up to
    /// a few percent of the frozen model's size, and the rest in temporary files, so that there can be hundreds. Calls under way on other threads
    /// do not notice.
    /// </summary>
    /// <param name="name">Its name, not empty.</param>
    /// <param name="directory">The adapter directory, as in <see cref="Load"/>.</param>
    /// <exception cref="ArgumentException">The name is empty, or there is an adapter of that name.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    /// <exception cref="FileNotFoundException">It lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or does not fit the frozen model.</exception>
    /// <exception cref="NotSupportedException">It is an adapter of another kind, or stored as a pickle.</exception>
    /// <exception cref="IOException">No temporary file can be written.</exception>
    public void AddAdapter(string name, string directory)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(directory);
        using var use = Use();
        CheckNew(name);
        Add(name, new PeftAdapter(_backbone, Adapter.Load(_backbone, directory), _shelf));
    }

    /// <summary>
    /// Adds the own adapter of another model over the same frozen model, such as one just trained or from the hub. Both share it, and either may
    /// be disposed. It stays in memory.
    /// </summary>
    /// <param name="name">Its name, not empty.</param>
    /// <param name="model">The other model.</param>
    /// <exception cref="ArgumentException">The name is empty, there is an adapter of that name, or the other model has another frozen model, number format or device.</exception>
    public void AddAdapter(string name, PeftModel model)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(model);
        using var use = Use();
        using var other = model.Use();
        if (model._backbone.Frozen != _backbone.Frozen)
        {
            throw new ArgumentException(
                $"The adapter's frozen model is '{model._backbone.Name}' ({model._backbone.Precision}), and this one's is '{_backbone.Name}' ({_backbone.Precision}); one model shares adapters of one frozen model.",
                nameof(model));
        }
        if (!model._own.TryHold())
            throw new ObjectDisposedException(nameof(PeftModel));
        Add(name, model._own);
    }

    /// <summary>
    /// Removes an adapter. Calls under way on other threads still end with it, after which its memory is freed; later ones do not find it.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ArgumentException">It is <see cref="DefaultAdapter"/>, which stays as long as the model.</exception>
    public bool RemoveAdapter(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name == DefaultAdapter)
            throw new ArgumentException($"The adapter '{DefaultAdapter}' stays as long as the model; dispose the model instead.", nameof(name));
        using var use = Use();
        if (!ImmutableInterlocked.TryRemove(ref _adapters, name, out var adapter))
            return false;
        adapter.Release();
        return true;
    }

    private void Add(string name, PeftAdapter adapter)
    {
        if (ImmutableInterlocked.TryAdd(ref _adapters, name, adapter))
            return;
        adapter.Release();
        CheckNew(name);
    }

    private void CheckNew(string name)
    {
        if (Adapters.ContainsKey(name))
            throw new ArgumentException($"The model has an adapter '{name}' already; remove it first, or take another name.", nameof(name));
    }

    private static ArgumentException NoAdapter(string parameter) =>
        new("A row names no adapter, and the frozen model alone has no classes; name one.", parameter);
}
