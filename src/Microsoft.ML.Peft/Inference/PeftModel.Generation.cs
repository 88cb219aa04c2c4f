using System.Runtime.CompilerServices;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft;

public sealed partial class PeftModel
{
    /// <summary>Writes on from each text with a language model and its soft prompt.</summary>
    /// <param name="prompts">The texts.</param>
    /// <param name="options">How to write; null for greedy and at most 64 tokens.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <returns>What was written, without the texts themselves and without special tokens, in their order.</returns>
    /// <exception cref="ArgumentException">A text is too long for the model's positions, or an option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The model classifies; or a text has no token to write on from.</exception>
    public IReadOnlyList<string> Generate(IReadOnlyList<string> prompts, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        using var use = Use();
        return Writing().Write(prompts, options ?? new GenerationOptions(), null, cancellationToken);
    }

    /// <summary>Writes on from a text, piece by piece as it comes; no piece ends within a character.</summary>
    /// <param name="prompt">The text.</param>
    /// <param name="options">How to write; null for greedy and at most 64 tokens.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <exception cref="ArgumentException">The text is too long for the model's positions, or an option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The model classifies; or the text has no token to write on from.</exception>
    public async IAsyncEnumerable<string> GenerateStreamAsync(
        string prompt, GenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        using var use = Use();
        await foreach (string piece in Writing().StreamAsync(prompt, options ?? new GenerationOptions(), cancellationToken).ConfigureAwait(false))
            yield return piece;
    }

    internal async IAsyncEnumerable<string> StreamAsync(
        IReadOnlyList<int> tokens, GenerationOptions options, IReadOnlySet<int> endIds, WritingCount count, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var use = Use();
        await foreach (string piece in Writing().StreamAsync(tokens, options, endIds, count, cancellationToken).ConfigureAwait(false))
            yield return piece;
    }

    /// <summary>New tokens for token ids, for checks against references.</summary>
    internal IReadOnlyList<IReadOnlyList<int>> GenerateIds(IReadOnlyList<int[]> texts, GenerationOptions options, IReadOnlySet<int> endIds)
    {
        using var use = Use();
        using var generator = new TextGenerator((LanguageModel)Transformer, _prompt, texts, options, endIds);
        while (generator.Step())
        {
        }
        return generator.Written;
    }

    /// <exception cref="InvalidOperationException">The model classifies.</exception>
    internal TextWriting Writing() => _adapter.Head is null
        ? new TextWriting(_backbone, _prompt)
        : throw new InvalidOperationException("This model classifies and does not write; use Classify, or load an adapter for language modelling (CAUSAL_LM).");
}
