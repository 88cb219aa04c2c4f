using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// What is added to scores so that no token sees the future: 0 or −∞. Each row's queries stand behind P keys that come before
/// all of them; a window counts those too.
/// </summary>
internal sealed class CausalBias
{
    private readonly Dictionary<long, Tensor> _full = [];
    private readonly Dictionary<long, Tensor> _windowed = [];

    /// <param name="layout">The rows.</param>
    /// <param name="prefix">P.</param>
    /// <param name="window">How many keys a query sees in layers with a window, its own included; null where there are none.</param>
    /// <param name="type">The number format.</param>
    /// <param name="device">The device.</param>
    public CausalBias(RowLayout layout, int prefix, int? window, ScalarType type, Device device)
    {
        foreach (long length in layout.Groups.Select(group => group.Length))
        {
            _full[length] = Compute(prefix, (int)length, int.MaxValue, type, device);
            if (window is { } size)
                _windowed[length] = size >= prefix + length ? _full[length] : Compute(prefix, (int)length, size, type, device);
        }
    }

    /// <summary>`[S, P + S]` for rows of S tokens.</summary>
    public Tensor Of(long length, bool windowed) => (windowed ? _windowed : _full)[length];

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
