using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Native;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Methods;

/// <summary>
/// Prefix tuning with its reparameterisation (Li and Liang 2021, section 4.3): a small matrix `[P, D]` goes through an MLP,
/// W₂ tanh(W₁ x + b₁) + b₂, to the prefix `[P, 2·L·D]`.
/// </summary>
internal sealed class ProjectedPrefixTuning : SoftPrompt
{
    private readonly Parameter _embedding;
    private readonly Parameter _weight1;
    private readonly Parameter _bias1;
    private readonly Parameter _weight2;
    private readonly Parameter _bias2;
    private readonly int _layers;
    private readonly int _heads;
    private readonly int _submodules;

    /// <param name="embedding">`[P, D]`</param>
    /// <param name="first">W₁ `[hidden, D]` and b₁.</param>
    /// <param name="second">W₂ `[2·L·D, hidden]` and b₂.</param>
    /// <param name="start">A prefix `[P, 2·L·D]` that the MLP corrects; null for the paper's own form.</param>
    /// <param name="layers">L.</param>
    /// <param name="heads">The key/value heads H.</param>
    /// <param name="submodules">2 for an encoder–decoder, else 1; see <see cref="Prompt.FromPrefix"/>.</param>
    public ProjectedPrefixTuning(Tensor embedding, LinearValues first, LinearValues second, Tensor? start, int layers, int heads, int submodules = 1)
    {
        _embedding = Add("embedding.weight", embedding);
        _weight1 = Add("transform.0.weight", first.Weight);
        _bias1 = Add("transform.0.bias", first.Bias);
        _weight2 = Add("transform.2.weight", second.Weight);
        _bias2 = Add("transform.2.bias", second.Bias);
        Start = Constant(start);
        _layers = layers;
        _heads = heads;
        _submodules = submodules;
    }

    public override Tensor Compute()
    {
        var inner = tanh(nn.functional.linear(_embedding, _weight1, _bias1));       // [P, hidden]
        var prefix = nn.functional.linear(inner, _weight2, _bias2);                 // [P, 2·L·D]
        return Start is null ? prefix : prefix.Plus(Start);
    }

    public override Prompt Forward() => Prompt.FromPrefix(Compute(), _layers, _heads, _submodules);
}
