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
    [OverloadResolutionPriority(1)]     // of an empty list
    public IReadOnlyList<string> Generate(IReadOnlyList<string> prompts, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        using var use = Use();
        return Writing().Write(prompts, options ?? new GenerationOptions(), null, cancellationToken);
    }

    /// <summary>Writes on from each text, each with an adapter of its own or with the frozen model alone; all texts are written together.</summary>
    /// <param name="rows">The name of an adapter, or null for the frozen model alone, and a text.</param>
    /// <param name="options">How to write; null for greedy and at most 64 tokens.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <returns>What was written, without the texts themselves and without special tokens, in their order.</returns>
    /// <exception cref="ArgumentException">A text is too long for the model's positions, or an option is out of its range.</exception>
    /// <exception cref="KeyNotFoundException">There is no adapter of a name.</exception>
    /// <exception cref="InvalidOperationException">An adapter classifies; or a text has no token to write on from.</exception>
    public IReadOnlyList<string> Generate(IReadOnlyList<(string? Adapter, string Prompt)> rows, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(rows);
        using var use = Use();
        using var adapters = new AdapterLease(Adapters, [.. rows.Select(row => row.Adapter)]);
        var writings = adapters.Entered.Select(entered => Writing(entered.Loaded)).ToList();
        return TextWriting.Write([.. rows.Select((row, i) => (writings[adapters.Numbers[i]], row.Prompt))], options ?? new GenerationOptions(), null, cancellationToken);
    }

    /// <summary>Writes on from a text, piece by piece as it comes; no piece ends within a character.</summary>
    /// <param name="prompt">The text.</param>
    /// <param name="options">How to write; null for greedy and at most 64 tokens.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <exception cref="ArgumentException">The text is too long for the model's positions, or an option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The model classifies; or the text has no token to write on from.</exception>
    public IAsyncEnumerable<string> GenerateStreamAsync(string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        GenerateStreamAsync((DefaultAdapter, prompt), options, cancellationToken);

    /// <summary>Writes on from a text with one of the adapters or the frozen model alone, piece by piece as it comes; no piece ends within a character.</summary>
    /// <param name="row">The name of an adapter, or null for the frozen model alone, and the text.</param>
    /// <param name="options">How to write; null for greedy and at most 64 tokens.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <exception cref="ArgumentException">The text is too long for the model's positions, or an option is out of its range.</exception>
    /// <exception cref="KeyNotFoundException">There is no adapter of that name.</exception>
    /// <exception cref="InvalidOperationException">The adapter classifies; or the text has no token to write on from.</exception>
    public async IAsyncEnumerable<string> GenerateStreamAsync(
        (string? Adapter, string Prompt) row, GenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(row.Prompt, nameof(row));
        using var use = Use();
        using var adapter = new AdapterLease(Adapters, [row.Adapter]);
        await foreach (string piece in Writing(adapter.Entered[0].Loaded).StreamAsync(row.Prompt, options ?? new GenerationOptions(), cancellationToken).ConfigureAwait(false))
            yield return piece;
    }

    internal async IAsyncEnumerable<string> StreamAsync(
        string name, IReadOnlyList<int> tokens, GenerationOptions options, IReadOnlySet<int> endIds, WritingCount count, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var use = Use();
        using var adapter = new AdapterLease(Adapters, [name]);
        await foreach (string piece in Writing(adapter.Entered[0].Loaded).StreamAsync(tokens, options, endIds, count, cancellationToken).ConfigureAwait(false))
            yield return piece;
    }

    /// <summary>New tokens for token ids, for checks against references.</summary>
    internal IReadOnlyList<IReadOnlyList<int>> GenerateIds(IReadOnlyList<int[]> texts, GenerationOptions options, IReadOnlySet<int> endIds)
    {
        using var use = Use();
        var model = (LanguageModel)Transformer;
        var writings = texts.Select((text, row) => new Writing(model, Own.Prompt, text, options, endIds, row)).ToList();
        WritingBatch.WriteAll(model, writings, CancellationToken.None);
        return [.. writings.Select(writing => writing.Written)];
    }

    /// <summary>Writing with the model's own adapter.</summary>
    /// <exception cref="InvalidOperationException">The model classifies.</exception>
    internal TextWriting Writing() => Writing(Own);

    private TextWriting Writing(LoadedAdapter? adapter) => adapter?.Writing(_backbone) ?? new TextWriting(_backbone, null);
}
