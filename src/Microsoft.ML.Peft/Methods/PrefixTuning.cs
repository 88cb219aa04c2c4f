using Microsoft.ML.Peft.Backbones;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Methods;

/// <summary>Prefix tuning (Li and Liang 2021): trained keys and values in front of every attention layer's own.</summary>
internal sealed class PrefixTuning : SoftPrompt
{
    private readonly Parameter _embedding;
    private readonly int _layers;
    private readonly int _heads;
    private readonly int _submodules;

    /// <param name="initial">The prefix at the start `[P, 2·L·D]`: per virtual token layer 0's key, layer 0's value and so on.</param>
    /// <param name="layers">L.</param>
    /// <param name="heads">The key/value heads H.</param>
    /// <param name="submodules">2 for an encoder–decoder, else 1; see <see cref="Prompt.FromPrefix"/>.</param>
    public PrefixTuning(Tensor initial, int layers, int heads, int submodules = 1)
    {
        _embedding = Add("embedding.weight", initial);
        _layers = layers;
        _heads = heads;
        _submodules = submodules;
    }

    public override Tensor Compute() => _embedding;

    public override Prompt Forward() => Prompt.FromPrefix(_embedding, _layers, _heads, _submodules);
}
