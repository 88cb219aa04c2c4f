using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// What is added to scores so that no token sees the future: 0 or −∞. Each row's queries stand behind P keys that come before
/// all of them; a window counts those too.
/// </summary>
internal sealed class CausalBias
{
    private readonly Prompts _prompts;
    private readonly Dictionary<(int, long), Tensor> _full = [];
    private readonly Dictionary<(int, long), Tensor> _windowed = [];

    /// <param name="layout">The rows.</param>
    /// <param name="prompts">What stands before them.</param>
    /// <param name="window">How many keys a query sees in layers with a window, its own included; null where there are none.</param>
    /// <param name="type">The number format.</param>
    /// <param name="device">The device.</param>
    public CausalBias(RowLayout layout, Prompts prompts, int? window, ScalarType type, Device device)
    {
        _prompts = prompts;
        foreach (var group in layout.Groups)
        {
            var key = Key(group);
            if (_full.ContainsKey(key))
                continue;
            Tensor Within(int size) => Compute(key.Prefix, (int)key.Length, size, type, device);
            _full[key] = Within(int.MaxValue);
            if (window is { } size)
                _windowed[key] = size >= key.Prefix + key.Length ? _full[key] : Within(size);
        }
    }

    /// <summary>`[S, P + S]` for rows of S tokens.</summary>
    public Tensor Of(RowGroup group, bool windowed) => (windowed ? _windowed : _full)[Key(group)];

    private (int Prefix, long Length) Key(RowGroup group) => (_prompts.PrefixLength(group.Prompt), group.Length);

    private static Tensor Compute(int prefix, int length, int window, ScalarType type, Device device)
    {
        int keys = prefix + length;
        var bias = new float[length * keys];
        for (int query = 0; query < length; query++)
        {
            var row = bias.AsSpan(query * keys, keys);
            int position = prefix + query;
            row[(position + 1)..].Fill(float.NegativeInfinity);
            row[..Math.Max(0, position - window + 1)].Fill(float.NegativeInfinity);
        }
        return tensor(bias, [length, keys], type, device);
    }
}
