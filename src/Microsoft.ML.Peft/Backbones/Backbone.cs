using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// A frozen transformer: tokens and a <see cref="Prompt"/> in, hidden states out. B rows, T text tokens, P virtual tokens,
/// S = P + T with an input prompt, else T.
/// </summary>
internal abstract class Backbone : IDisposable
{
    public abstract ModelConfiguration Configuration { get; }

    /// <summary>The frozen weights' number format.</summary>
    public abstract ScalarType Type { get; }

    public abstract Device Device { get; }

    /// <summary>The token embeddings `[V, E]`, in the frozen weights' type.</summary>
    public abstract Tensor WordEmbeddings { get; }

    /// <summary>What fills rows that are shorter than others; never seen by attention.</summary>
    public virtual int PaddingId => 0;

    /// <summary>A pooler over the first position, which some heads stand on; null where there is none.</summary>
    public virtual FrozenLinear? Pooler => null;

    /// <summary>The number of token types; 0 where the model knows none.</summary>
    public virtual int TokenTypes => 0;

    /// <summary>The last hidden states `[B, S, D]`, in the frozen weights' type.</summary>
    /// <param name="batch">The tokens.</param>
    /// <param name="prompt">The soft prompt, or null.</param>
    /// <param name="onKeysValues">Is shown each layer's own keys and values `[B, H, S, D/H]`, as a prefix takes them.</param>
    public abstract Tensor Forward(TokenBatch batch, Prompt? prompt, Action<int, Tensor, Tensor>? onKeysValues = null);

    public abstract void Dispose();
}
