namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// The adapters of some rows, which stay in memory until the lease is given back, whoever removes them meanwhile.
/// </summary>
internal sealed class AdapterLease : IDisposable
{
    private readonly List<(PeftAdapter? Adapter, LoadedAdapter? Loaded)> _entered = [];

    /// <param name="adapters">All adapters by name.</param>
    /// <param name="rows">Each row's adapter; null for the frozen model alone.</param>
    /// <exception cref="KeyNotFoundException">There is no adapter of a name.</exception>
    public AdapterLease(IReadOnlyDictionary<string, PeftAdapter> adapters, IReadOnlyList<string?> rows)
    {
        try
        {
            string?[] names = [.. rows.Distinct(StringComparer.Ordinal)];
            foreach (string? name in names)
                _entered.Add(name is null ? default : Enter(adapters, name));
            Numbers = [.. rows.Select(name => Array.IndexOf(names, name))];
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The different adapters; null for the frozen model alone.</summary>
    public IReadOnlyList<(PeftAdapter? Adapter, LoadedAdapter? Loaded)> Entered => _entered;

    /// <summary>Each row's number among them.</summary>
    public IReadOnlyList<int> Numbers { get; }

    public void Dispose()
    {
        foreach (var (adapter, _) in _entered)
            adapter?.Leave();
    }

    private static (PeftAdapter, LoadedAdapter) Enter(IReadOnlyDictionary<string, PeftAdapter> adapters, string name)
    {
        if (adapters.TryGetValue(name, out var adapter) && adapter.TryEnter() is { } loaded)
            return (adapter, loaded);
        throw new KeyNotFoundException($"The model has no adapter '{name}'; it has {string.Join(", ", adapters.Keys.Order(StringComparer.Ordinal))}. Add it with AddAdapter.");
    }
}
