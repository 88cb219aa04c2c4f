using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// The keys and values of a text under way, so that each new token costs one position. All room is allocated at once.
/// </summary>
internal sealed class KeyValueCache : IDisposable
{
    private readonly Tensor[] _keys;        // per layer [B, KV, capacity, d]
    private readonly Tensor[] _values;
    private readonly long[] _lengths;
    private KeyTable? _table;

    public KeyValueCache(DecoderConfiguration configuration, long rows, long capacity, ScalarType type, Device device)
    {
        Tensor Allocate() => empty(rows, configuration.KeyValueHeads, capacity, configuration.HeadSize, type, device).DetachFromDisposeScope();
        _keys = [.. Enumerable.Range(0, configuration.Layers).Select(_ => Allocate())];
        _values = [.. Enumerable.Range(0, configuration.Layers).Select(_ => Allocate())];
        _lengths = new long[configuration.Layers];
    }

    /// <summary>What is held; null before the first batch.</summary>
    public KeyTable? Table
    {
        get => _table;
        set
        {
            var old = _table;
            _table = value is null ? null : new KeyTable(value.Positions.DetachFromDisposeScope(), value.Seen?.DetachFromDisposeScope());
            Free(old);
        }
    }

    /// <summary>Adds keys and values `[B, KV, S, d]` to a layer, and gives all of the layer's.</summary>
    public (Tensor Key, Tensor Value) Append(int layer, Tensor key, Tensor value)
    {
        long start = _lengths[layer], count = key.size(2);
        _keys[layer].narrow(2, start, count).copy_(key);
        _values[layer].narrow(2, start, count).copy_(value);
        _lengths[layer] += count;
        return (_keys[layer].narrow(2, 0, start + count), _values[layer].narrow(2, 0, start + count));
    }

    public void Dispose()
    {
        foreach (var tensor in _keys.Concat(_values))
            tensor.Dispose();
        Free(_table);
    }

    private static void Free(KeyTable? table)
    {
        table?.Positions.Dispose();
        table?.Seen?.Dispose();
    }
}
