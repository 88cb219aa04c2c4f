using Microsoft.ML.Peft.Backbones;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Methods;

/// <summary>
/// Prompt tuning (Lester et al. 2021): trained embeddings Pₑ `[P, E]` in front of the embedded input, [Pₑ; Xₑ].
/// </summary>
internal sealed class PromptTuning : SoftPrompt
{
    private readonly Parameter _embedding;
    private readonly int _submodules;

    /// <param name="initial">The embeddings at the start `[P·submodules, E]`.</param>
    /// <param name="submodules">2 for an encoder–decoder, else 1; see <see cref="Prompt.FromEmbeddings"/>.</param>
    public PromptTuning(Tensor initial, int submodules = 1)
    {
        _embedding = Add("embedding.weight", initial);
        _submodules = submodules;
    }

    public override Tensor Compute() => _embedding;

    public override Prompt Forward() => Prompt.FromEmbeddings(_embedding, _submodules);
}
