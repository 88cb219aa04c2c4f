using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// The keys and values of rows under way, so that each new token costs one position. All rows end at the same column, so that a
/// step writes one column, whatever the rows' lengths; shorter ones start later. Rows come and go: who comes is written into free room, who
/// goes leaves a gap that the last row fills, and all is copied only when the room is used up.
/// </summary>
internal sealed class KeyValueCache(ModelConfiguration configuration, ScalarType type, Device device) : IDisposable
{
    private readonly Tensor?[] _keys = new Tensor?[configuration.Layers];       // per layer [rows, KV, columns, d]
    private readonly Tensor?[] _values = new Tensor?[configuration.Layers];
    private int[] _starts = [];             // each row's first column
    private int _end;                       // the column behind the last
    private int _rowRoom;
    private int _columnRoom;

    /// <summary>How many rows there are, B.</summary>
    public int Rows => _starts.Length;

    /// <summary>How many keys the longest row has, K.</summary>
    public int Columns => _end - First;

    /// <summary>The positions of the next tokens, which count from each row's first key.</summary>
    public long[] Positions => Array.ConvertAll(_starts, start => (long)_end - start);

    private int First => _starts.Length == 0 ? _end : _starts.Min();

    /// <summary>Further rows, behind those that are there; their keys and values are then to be filled in.</summary>
    /// <param name="layout">The texts that they start with.</param>
    /// <param name="prefix">By the number of a text's soft prompt how many keys stand in front of it.</param>
    /// <param name="room">How many tokens may follow; more than that cost a copy.</param>
    public void Join(RowLayout layout, Func<int, int> prefix, int room)
    {
        int[] lengths = [.. Enumerable.Range(0, layout.Rows).Select(row => prefix(layout.Prompt(row)) + layout.Length(row))];
        int rows = Rows + layout.Rows, columns = Math.Max(Columns, lengths.Max());
        if (Rows == 0)
            _end = columns;
        if (rows > _rowRoom || columns > _end || _end > _columnRoom)
            Move(Rows == 0 ? rows : Math.Max(rows, 2 * Rows), columns, Math.Max(_columnRoom, columns + room));
        _starts = [.. _starts, .. lengths.Select(length => _end - length)];
    }

    /// <summary>Enters a layer's keys and values of the rows that joined last `[N, KV, d]`, and those of their prefixes.</summary>
    public void Fill(int layer, RowLayout layout, Tensor key, Tensor value, Prompts prompts)
    {
        for (int i = 0; i < layout.Rows; i++)
        {
            int row = Rows - layout.Rows + i, length = layout.Length(i);
            Enter(layer, row, _end - length, key.narrow(0, layout.Start(i), length).transpose(0, 1), value.narrow(0, layout.Start(i), length).transpose(0, 1));
            if (prompts[layout.Prompt(i)]?.KeysValues is { } prefix)
                Enter(layer, row, _starts[row], prefix[2 * layer], prefix[2 * layer + 1]);
        }
    }

    /// <summary>A layer's keys and values `[B, KV, K, d]`; shorter rows begin with what is none of theirs.</summary>
    public (Tensor Keys, Tensor Values) Of(int layer) => (Part(_keys[layer]!, First, Columns), Part(_values[layer]!, First, Columns));

    /// <summary>Room for one more token of each row; before its first layer.</summary>
    public void MakeRoom()
    {
        if (_end == _columnRoom)
            Move(_rowRoom, Columns, Math.Max(_columnRoom, 2 * Columns));
    }

    /// <summary>Adds a layer's keys and values of one more token `[B, KV, d]`, and gives all of the layer's `[B, KV, K + 1, d]`.</summary>
    public (Tensor Keys, Tensor Values) Append(int layer, Tensor key, Tensor value)
    {
        Tensor Add(Tensor all, Tensor one)
        {
            Part(all, _end, 1).select(2, 0).copy_(one);
            return Part(all, First, Columns + 1);
        }
        return (Add(_keys[layer]!, key), Add(_values[layer]!, value));
    }

    /// <summary>After the last layer: the next token has the next column.</summary>
    public void Advance() => _end++;

    /// <summary>
    /// 0 where a row's next token may see a key, else −∞: its own row only, and within the window only. `[B, 1, 1, K]`; null if it may
    /// see every key.
    /// </summary>
    /// <param name="window">How many keys are seen, the token's own included; null for all.</param>
    /// <param name="next">Whether the next token's own key is there, too, so that there are K + 1.</param>
    public Tensor? Bias(int? window, bool next = false)
    {
        int first = First, count = Columns + (next ? 1 : 0);
        bool seesAll = _starts.All(start => start == first) && !(window < count);
        if (seesAll)
            return null;
        var bias = new float[Rows * count];
        for (int row = 0; row < Rows; row++)
        {
            int seen = Math.Max(_starts[row], window is { } size ? _end - size + 1 : 0);
            bias.AsSpan(row * count, seen - first).Fill(float.NegativeInfinity);
        }
        return tensor(bias, [Rows, 1, 1, count], type, device);
    }

    /// <summary>Goes on with these of the rows, in this order. Only rows that get another place are copied.</summary>
    public void Keep(IReadOnlyList<int> rows)
    {
        if (rows.Count > _rowRoom)
            Move(rows.Count, Columns, _columnRoom);
        long[] to = [.. Enumerable.Range(0, rows.Count).Where(row => rows[row] != row)];
        if (to.Length > 0)
        {
            Tensor target = tensor(to, device: device), source = tensor(Array.ConvertAll(to, row => (long)rows[(int)row]), device: device);
            foreach (var all in _keys.Concat(_values))
            {
                var used = all!.narrow(2, First, Columns);
                used.index_copy_(0, target, used.index_select(0, source));
            }
        }
        _starts = [.. rows.Select(row => _starts[row])];
    }

    public void Dispose()
    {
        foreach (var tensor in _keys.Concat(_values))
            tensor?.Dispose();
    }

    private Tensor Part(Tensor all, int column, int count) => all.narrow(0, 0, Rows).narrow(2, column, count);

    private void Enter(int layer, int row, int column, Tensor key, Tensor value)
    {
        void Into(Tensor all, Tensor values) => all.select(0, row).narrow(1, column, values.size(1)).copy_(values);
        Into(_keys[layer]!, key);
        Into(_values[layer]!, value);
    }

    /// <summary>All rows into new room, layer by layer, where they end at the column <paramref name="end"/>.</summary>
    private void Move(int rows, int end, int columns)
    {
        Tensor Moved(Tensor? old)
        {
            // Zeros, because what a row does not see is still multiplied, by 0.
            var room = zeros(rows, configuration.KeyValueHeads, columns, configuration.HeadSize, type, device).DetachFromDisposeScope();
            if (old is not null && Columns > 0)
                Part(room, end - Columns, Columns).copy_(Part(old, First, Columns));
            old?.Dispose();
            return room;
        }
        for (int layer = 0; layer < configuration.Layers; layer++)
            (_keys[layer], _values[layer]) = (Moved(_keys[layer]), Moved(_values[layer]));
        _starts = Array.ConvertAll(_starts, start => start + end - _end);
        (_end, _rowRoom, _columnRoom) = (end, rows, columns);
    }
}
