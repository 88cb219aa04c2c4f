using System.Collections.Immutable;
using Microsoft.Extensions.AI;
using Microsoft.ML.Peft;

namespace WebApi.Adapters;

/// <summary>A frozen model and its adapters, which come, go and take each other's places while others use them.</summary>
/// <param name="backbone">The frozen model, which is taken over.</param>
/// <param name="writes">Whether it is a language model, which writes; else it classifies.</param>
internal sealed class ServedModel(PretrainedModel backbone, bool writes) : IDisposable
{
    private readonly Lock _gate = new();        // held while names are exchanged, and while a batch needs its names to stay
    private readonly IChatClient? _chat = writes ? backbone.AsChatClient() : null;
    private PeftModel? _model;                  // from the first adapter on, which it keeps under its default name for itself
    private ImmutableDictionary<string, ServedAdapter> _adapters = ImmutableDictionary<string, ServedAdapter>.Empty;
    private int _keys;

    /// <summary>The adapters by name, at this moment.</summary>
    public IReadOnlyDictionary<string, ServedAdapter> Adapters => Volatile.Read(ref _adapters);

    /// <summary>Serves an adapter, in the place of one of the same name. One thread at a time.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="directory">Its files, which have been <see cref="Check">checked</see>.</param>
    public void Set(string name, string directory)
    {
        string key = $"{name}#{++_keys}";
        _model ??= Load(directory);
        _model.AddAdapter(key, directory);
        var known = _model.Adapters[key];
        var description = AdapterDescription.Read(directory);
        IReadOnlyList<string> labels = !writes ? known.Labels ?? [.. Enumerable.Range(0, known.Outputs).Select(output => $"{output}")] : [];
        lock (_gate)
        {
            var before = _adapters.GetValueOrDefault(name);
            _adapters = _adapters.SetItem(name, new ServedAdapter(name, key, labels, description));
            if (before is not null)
                _model.RemoveAdapter(before.Key);
        }
    }

    /// <summary>Serves an adapter no more; false if there is none of that name. What uses it now ends with it.</summary>
    public bool Remove(string name)
    {
        lock (_gate)
        {
            if (!_adapters.TryGetValue(name, out var adapter))
                return false;
            _adapters = _adapters.Remove(name);
            return _model!.RemoveAdapter(adapter.Key);
        }
    }

    /// <summary>An adapter alone on the frozen model.</summary>
    public PeftModel Load(string directory) => PeftModel.Load(backbone, directory);

    /// <summary>Checks the files of an adapter.</summary>
    /// <exception cref="InvalidDataException">A file is damaged, does not fit the frozen model, or cannot be used here.</exception>
    /// <exception cref="FileNotFoundException">One is missing.</exception>
    /// <exception cref="NotSupportedException">It is an adapter of another kind.</exception>
    public void Check(string directory)
    {
        using var model = Load(directory);
        if (!writes && model.Task is not (PredictionTask.Multiclass or PredictionTask.Binary))
            throw new InvalidDataException($"The adapter is one for {model.Task}, but this server classifies with '{backbone.Directory}'; train one with classes.");
        if (writes && model.Task != PredictionTask.Generation)
            throw new InvalidDataException("The adapter scores label words, but this server only writes with its language model; train one for generation.");
        // What loads may still be of no use: numbers that are none, or a template for pairs.
        if (writes)
            model.AsChatClient();
        else
            model.Classify(["text"]);
    }

    /// <summary>Class probabilities of rows, each with its own adapter; all of them pass the frozen model together.</summary>
    /// <returns>For each row the adapter that its name stood for and a probability per label of it; null where there is none of that name.</returns>
    public IReadOnlyList<(ServedAdapter Adapter, float[] Probabilities)?> Classify(IReadOnlyList<(string Adapter, string Text)> rows)
    {
        lock (_gate)
        {
            var adapters = rows.Select(row => _adapters.GetValueOrDefault(row.Adapter)).ToList();
            (string, string)[] known = [.. rows.Zip(adapters).Where(pair => pair.Second is not null).Select(pair => (pair.Second!.Key, pair.First.Text))];
            var results = new Queue<float[]>(known.Length == 0 ? [] : _model!.Classify(known));
            return [.. adapters.Select(adapter => adapter is null ? ((ServedAdapter, float[])?)null : (adapter, results.Dequeue()))];
        }
    }

    /// <summary>A client of the language model, alone or with an adapter.</summary>
    /// <exception cref="KeyNotFoundException">There is no adapter of that name.</exception>
    public IChatClient Chat(string? adapter) => adapter is null ? _chat! : _model is null ? throw new KeyNotFoundException() : _model.AsChatClient(Adapters[adapter].Key);

    public void Dispose()
    {
        _model?.Dispose();
        backbone.Dispose();
    }
}
