using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft;

/// <summary>
/// What a <see cref="PeftModel"/> knows of one of its adapters. It does not change, and can be read after the adapter was removed, too.
/// </summary>
public sealed class PeftAdapter
{
    private readonly HeadDescription? _head;
    private readonly LabelWordsDescription? _labelWords;
    private readonly int _positions;
    private readonly AdapterShelf? _shelf;
    private readonly Lock _gate;
    private int _holders = 1;   // models
    private int _users;         // calls under way: native memory must outlive them all

    /// <summary>Takes over the adapter.</summary>
    /// <param name="backbone">The frozen model.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="shelf">Where it is while nobody uses it; null for always in memory.</param>
    internal PeftAdapter(PretrainedModel backbone, Adapter adapter, AdapterShelf? shelf = null)
    {
        (_head, _labelWords, Generation, _shelf) = (adapter.Description, adapter.LabelWords, adapter.Generation, shelf);
        _gate = shelf?.Gate ?? new Lock();
        var loaded = new LoadedAdapter(backbone, adapter);
        (VirtualTokens, Outputs, Loaded) = (loaded.Prompt.Length, loaded.Outputs, loaded);
        _positions = backbone.Configuration.MaxPositions - VirtualTokens;
        if (shelf is null)
            return;
        try
        {
            lock (_gate)
                shelf.Add(this);
        }
        catch
        {
            Unload();
            throw;
        }
    }

    /// <summary>The number of virtual tokens P.</summary>
    public int VirtualTokens { get; }

    /// <summary>The label names in the order of the outputs; null where the adapter does not say them.</summary>
    public IReadOnlyList<string>? Labels => _head?.Labels ?? _labelWords?.Labels;

    /// <summary>The number of outputs: classes, 1 for regression, or the vocabulary of a language model that writes.</summary>
    public int Outputs { get; }

    /// <summary>
    /// What each text was put into in training, with the places `{text}` and, for pairs, `{second}`; null where the adapter does not say it, and
    /// for adapters with a head, which read texts as they are.
    /// </summary>
    public string? PromptTemplate => Generation?.PromptTemplate ?? _labelWords?.PromptTemplate;

    internal PredictionTask Task => _head?.Task ?? _labelWords?.Task ?? PredictionTask.Generation;

    /// <summary>How the adapter was trained to write; null where that is not known, as of adapters from elsewhere.</summary>
    internal GenerationDescription? Generation { get; }

    /// <summary>What is in memory; null while it is on the shelf elsewhere, and once it was freed.</summary>
    internal LoadedAdapter? Loaded { get; private set; }

    private int MaxTokens => Math.Min(_head?.MaxTokens ?? _labelWords?.MaxTokens ?? int.MaxValue, _positions);

    /// <summary>One more model that holds it; false if none does any more.</summary>
    internal bool TryHold()
    {
        lock (_gate)
        {
            if (_holders == 0)
                return false;
            _holders++;
            return true;
        }
    }

    /// <summary>One model less that holds it. When none does and nobody uses it, it is freed.</summary>
    internal void Release()
    {
        lock (_gate)
        {
            _holders--;
            FreeIfUnused();
        }
    }

    /// <summary>One more user, for whom it is in memory; null if no model holds it any more.</summary>
    internal LoadedAdapter? TryEnter()
    {
        lock (_gate)
        {
            if (_holders == 0)
                return null;
            if (_shelf is not null)
                Loaded = _shelf.Take(this);
            _users++;
            return Loaded;
        }
    }

    /// <summary>One user less.</summary>
    internal void Leave()
    {
        lock (_gate)
        {
            _users--;
            if (_users == 0 && _holders > 0)
                _shelf?.PutBack(this);
            FreeIfUnused();
        }
    }

    internal void Unload()
    {
        Loaded?.Dispose();
        Loaded = null;
    }

    private void FreeIfUnused()
    {
        if (_holders > 0 || _users > 0)
            return;
        _shelf?.Remove(this);
        Unload();
    }

    /// <summary>The text as it is, or where label words answer in its template.</summary>
    internal TokenizedText Encode(PretrainedModel backbone, string text, string? secondText) => _labelWords is not null
        ? Inference.PromptTemplate.Parse(_labelWords.PromptTemplate).Fit(backbone.Words, text, secondText, MaxTokens).Tokens
        : backbone.Words.Encode(text, secondText, MaxTokens);

    /// <exception cref="InvalidOperationException">The adapter has no classes.</exception>
    internal void CheckClassifies()
    {
        if (Task == PredictionTask.Regression)
            throw new InvalidOperationException("This model predicts values, not classes.");
        if (Task == PredictionTask.Generation)
            throw new InvalidOperationException("This model writes text and has no classes; use Generate.");
    }
}
