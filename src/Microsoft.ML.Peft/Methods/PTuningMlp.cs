using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Native;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Methods;

/// <summary>
/// P-tuning (Liu et al. 2021) with an MLP as prompt encoder: E → H → H → E with two ReLUs over a small embedding `[P, E]`.
/// </summary>
internal sealed class PTuningMlp : SoftPrompt
{
    private readonly Parameter _embedding;
    private readonly (Parameter Weight, Parameter Bias)[] _linear;
    private readonly int _submodules;

    /// <param name="embedding">`[P, E]`</param>
    /// <param name="first">`[H, E]`</param>
    /// <param name="second">`[H, H]`</param>
    /// <param name="third">`[E, H]`</param>
    /// <param name="start">Token embeddings `[P, E]` that the MLP corrects; null for the paper's own form.</param>
    /// <param name="submodules">2 for an encoder–decoder, else 1; see <see cref="Prompt.FromEmbeddings"/>.</param>
    public PTuningMlp(Tensor embedding, LinearValues first, LinearValues second, LinearValues third, Tensor? start, int submodules = 1)
    {
        _embedding = Add("embedding.weight", embedding);
        (Parameter, Parameter) Linear(int i, LinearValues values) => (Add($"mlp_head.{i}.weight", values.Weight), Add($"mlp_head.{i}.bias", values.Bias));
        _linear = [Linear(0, first), Linear(2, second), Linear(4, third)];
        Start = Constant(start);
        _submodules = submodules;
    }

    public override Tensor Compute()
    {
        Tensor Linear(int i, Tensor x) => nn.functional.linear(x, _linear[i].Weight, _linear[i].Bias);
        var inner = nn.functional.relu(Linear(0, _embedding));                      // [P, H]
        inner = nn.functional.relu(Linear(1, inner));                               // [P, H]
        var prompt = Linear(2, inner);                                              // [P, E]
        return Start is null ? prompt : prompt.Plus(Start);
    }

    public override Prompt Forward() => Prompt.FromEmbeddings(Compute(), _submodules);
}
