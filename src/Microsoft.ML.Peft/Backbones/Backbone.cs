using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// A frozen transformer: tokens and a <see cref="Prompt"/> in, hidden states out. B rows of text laid end to end, N tokens in all,
/// P virtual tokens; M positions, which are the N tokens and, where virtual tokens are computed with each row, those too.
/// </summary>
internal abstract class Backbone : IDisposable
{
    public abstract ModelConfiguration Configuration { get; }

    /// <summary>The frozen weights' number format.</summary>
    public abstract ScalarType Type { get; }

    public abstract Device Device { get; }

    /// <summary>The token embeddings `[V, E]`, in the frozen weights' type.</summary>
    public abstract Tensor WordEmbeddings { get; }

    /// <summary>What stands for a row without any token.</summary>
    public virtual int PaddingId => 0;

    /// <summary>A pooler over the first position, which some heads stand on; null where there is none.</summary>
    public virtual FrozenLinear? Pooler => null;

    /// <summary>The number of token types; 0 where the model knows none.</summary>
    public virtual int TokenTypes => 0;

    /// <summary>Into how many parts Hugging Face PEFT divides a soft prompt: 2 for encoder–decoders, else 1.</summary>
    public virtual int Submodules => 1;

    /// <summary>How many positions with virtual tokens <see cref="Forward"/> gives each row in front of its text: P or 0.</summary>
    public abstract int VirtualPositions(Prompt? prompt);

    /// <summary>The last hidden states, in the frozen weights' type: `[M, D]`, or `[A, D]` at A positions.</summary>
    /// <param name="batch">The tokens.</param>
    /// <param name="prompts">The rows' soft prompts.</param>
    /// <param name="positions">The positions `[A]`, int64, that are wanted; null for all. The others are not computed to the end.</param>
    /// <param name="onKeysValues">Is shown each layer's own keys and values `[M, KV, d]`, as a prefix takes them.</param>
    public abstract Tensor Forward(TokenBatch batch, Prompts prompts, Tensor? positions = null, Action<int, Tensor, Tensor>? onKeysValues = null);

    /// <summary>The prompt with all that does not depend on the text computed once, for use over many batches. Belongs to the current dispose scope.</summary>
    public virtual Prompt Prepare(Prompt prompt) => prompt;

    public abstract void Dispose();
}
