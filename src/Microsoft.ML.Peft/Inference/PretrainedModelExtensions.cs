using System.Runtime.CompilerServices;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft;

/// <summary>Writing with a frozen language model alone, without a soft prompt.</summary>
public static class PretrainedModelExtensions
{
    /// <summary>Writes on from each text.</summary>
    /// <param name="model">A language model.</param>
    /// <param name="prompts">The texts.</param>
    /// <param name="options">How to write; null for greedy and at most 64 tokens.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <returns>What was written, without the texts themselves and without special tokens, in their order.</returns>
    /// <exception cref="ArgumentException">A text is too long for the model's positions, or an option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The model is an encoder; or a text has no token to write on from.</exception>
    public static IReadOnlyList<string> Generate(
        this PretrainedModel model, IReadOnlyList<string> prompts, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        using var use = model.Share();
        return new TextWriting(use, null).Write(prompts, options ?? new GenerationOptions(), null, cancellationToken);
    }

    /// <summary>Writes on from a text, piece by piece as it comes; no piece ends within a character.</summary>
    /// <param name="model">A language model.</param>
    /// <param name="prompt">The text.</param>
    /// <param name="options">How to write; null for greedy and at most 64 tokens.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <exception cref="ArgumentException">The text is too long for the model's positions, or an option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The model is an encoder; or the text has no token to write on from.</exception>
    public static async IAsyncEnumerable<string> GenerateStreamAsync(
        this PretrainedModel model, string prompt, GenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompt);
        using var use = model.Share();
        await foreach (string piece in new TextWriting(use, null).StreamAsync(prompt, options ?? new GenerationOptions(), cancellationToken).ConfigureAwait(false))
            yield return piece;
    }

    internal static async IAsyncEnumerable<string> StreamAsync(
        this PretrainedModel model, IReadOnlyList<int> tokens, GenerationOptions options, IReadOnlySet<int> endIds, WritingCount count,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var use = model.Share();
        await foreach (string piece in new TextWriting(use, null).StreamAsync(tokens, options, endIds, count, cancellationToken).ConfigureAwait(false))
            yield return piece;
    }
}
