namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// Where adapters are that nobody uses at the moment: those used last in memory, up to a small part of the frozen model's size, and all of them
/// in temporary files, from which they are read again when they are needed. So a model can hold hundreds.
/// </summary>
internal sealed class AdapterShelf(PretrainedModel backbone)
{
    private readonly long _room = 4L * backbone.Configuration.VocabularySize * backbone.Configuration.EmbeddingSize / 20;
    private readonly LinkedList<PeftAdapter> _idle = [];    // the one used longest ago first
    private readonly Dictionary<PeftAdapter, PutAwayAdapter> _files = [];
    private long _bytes;

    /// <summary>Held while anything here is called.</summary>
    public Lock Gate { get; } = new();

    /// <summary>A new adapter, which nobody uses yet.</summary>
    public void Add(PeftAdapter adapter)
    {
        _files.Add(adapter, new PutAwayAdapter(backbone, adapter.Loaded!.Adapter));
        PutBack(adapter);
    }

    /// <summary>The adapter in memory, for use.</summary>
    public LoadedAdapter Take(PeftAdapter adapter)
    {
        if (_idle.Remove(adapter))
            _bytes -= adapter.Loaded!.Bytes;
        return adapter.Loaded ?? new LoadedAdapter(backbone, _files[adapter].Load());
    }

    /// <summary>Keeps an adapter that nobody uses any more, in the place of others that were used longer ago.</summary>
    public void PutBack(PeftAdapter adapter)
    {
        _idle.AddLast(adapter);
        _bytes += adapter.Loaded!.Bytes;
        while (_bytes > _room && _idle.First is { Value: var oldest })
        {
            _idle.RemoveFirst();
            _bytes -= oldest.Loaded!.Bytes;
            oldest.Unload();
        }
    }

    /// <summary>Forgets an adapter that was removed.</summary>
    public void Remove(PeftAdapter adapter)
    {
        if (_idle.Remove(adapter))
            _bytes -= adapter.Loaded!.Bytes;
        if (_files.Remove(adapter, out var file))
            file.Dispose();
    }
}
