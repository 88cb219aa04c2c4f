using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// The keys and values of rows under way, so that each new token costs one position. All rows end at the same column, so that a
/// step writes one column, whatever the rows' lengths; shorter ones start later. All room is allocated at once.
/// </summary>
internal sealed class KeyValueCache : IDisposable
{
    private readonly Tensor[] _keys;        // per layer [B, KV, columns, d]
    private readonly Tensor[] _values;
    private int[] _starts;                  // each row's first column
    private int _end;                       // the column of the next token

    /// <param name="configuration">The decoder.</param>
    /// <param name="layout">The texts that the rows start with.</param>
    /// <param name="prefix">How many keys stand in front of each.</param>
    /// <param name="room">How many tokens may follow.</param>
    /// <param name="type">The number format.</param>
    /// <param name="device">The device.</param>
    public KeyValueCache(ModelConfiguration configuration, RowLayout layout, int prefix, int room, ScalarType type, Device device)
    {
        int[] lengths = [.. Enumerable.Range(0, layout.Rows).Select(row => prefix + layout.Length(row))];
        _end = lengths.Max();
        _starts = Array.ConvertAll(lengths, length => _end - length);
        // Zeros, because what a row does not see is still multiplied, by 0.
        Tensor Allocate() => zeros(layout.Rows, configuration.KeyValueHeads, _end + room, configuration.HeadSize, type, device).DetachFromDisposeScope();
        _keys = [.. Enumerable.Range(0, configuration.Layers).Select(_ => Allocate())];
        _values = [.. Enumerable.Range(0, configuration.Layers).Select(_ => Allocate())];
    }

    /// <summary>The positions of the next tokens, which count from each row's first key.</summary>
    public long[] Positions => Array.ConvertAll(_starts, start => (long)_end - start);

    private int First => _starts.Min();

    /// <summary>Enters a layer's keys and values of the texts `[N, KV, d]` and of the prefix `[KV, P, d]`.</summary>
    public void Fill(int layer, RowLayout layout, Tensor key, Tensor value, IReadOnlyList<Tensor>? prefix)
    {
        for (int row = 0; row < layout.Rows; row++)
        {
            int length = layout.Length(row);
            Enter(_keys[layer], row, _end - length, key.narrow(0, layout.Start(row), length).transpose(0, 1));
            Enter(_values[layer], row, _end - length, value.narrow(0, layout.Start(row), length).transpose(0, 1));
            if (prefix is null)
                continue;
            Enter(_keys[layer], row, _starts[row], prefix[2 * layer]);
            Enter(_values[layer], row, _starts[row], prefix[2 * layer + 1]);
        }
    }

    /// <summary>Adds a layer's keys and values of one more token `[B, KV, d]`, and gives all of the layer's `[B, KV, K, d]`.</summary>
    public (Tensor Keys, Tensor Values) Append(int layer, Tensor key, Tensor value)
    {
        Tensor Add(Tensor all, Tensor one)
        {
            all.select(2, _end).copy_(one);
            return all.narrow(2, First, _end + 1 - First);
        }
        return (Add(_keys[layer], key), Add(_values[layer], value));
    }

    /// <summary>After the last layer: the next token has the next column.</summary>
    public void Advance() => _end++;

    /// <summary>
    /// 0 where a row's next token may see a key, else −∞: its own row only, and within the window only. `[B, 1, 1, K]`; null if it may
    /// see every key.
    /// </summary>
    public Tensor? Bias(int? window, ScalarType type, Device device)
    {
        int first = First, count = _end + 1 - first;
        bool seesAll = _starts.All(start => start == first) && !(window < count);
        if (seesAll)
            return null;
        var bias = new float[_starts.Length * count];
        for (int row = 0; row < _starts.Length; row++)
        {
            int seen = Math.Max(_starts[row], window is { } size ? _end - size + 1 : 0);
            bias.AsSpan(row * count, seen - first).Fill(float.NegativeInfinity);
        }
        return tensor(bias, [_starts.Length, 1, 1, count], type, device);
    }

    /// <summary>Goes on with these of the rows.</summary>
    public void Keep(IReadOnlyList<int> rows)
    {
        using var kept = tensor(rows.Select(row => (long)row).ToArray(), device: _keys[0].device);
        foreach (var tensors in new[] { _keys, _values })
        {
            for (int layer = 0; layer < tensors.Length; layer++)
            {
                using var old = tensors[layer];
                tensors[layer] = old.index_select(0, kept).DetachFromDisposeScope();
            }
        }
        _starts = [.. rows.Select(row => _starts[row])];
    }

    public void Dispose()
    {
        foreach (var tensor in _keys.Concat(_values))
            tensor.Dispose();
    }

    private static void Enter(Tensor all, int row, int column, Tensor values) => all[row].narrow(1, column, values.size(1)).copy_(values);
}
