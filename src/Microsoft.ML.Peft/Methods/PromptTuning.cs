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

    /// <param name="initial">The embeddings at the start `[P, E]`.</param>
    public PromptTuning(Tensor initial) => _embedding = Add("embedding.weight", initial);

    public override Tensor Compute() => _embedding;

    public override Prompt Forward() => Prompt.FromEmbeddings(_embedding);
}
