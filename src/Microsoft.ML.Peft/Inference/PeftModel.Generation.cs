using System.Runtime.CompilerServices;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft;

public sealed partial class PeftModel
{
    private const int TextsAtATime = 16;

    /// <summary>Writes on from each text with a language model and its soft prompt.</summary>
    /// <param name="prompts">The texts; those too long for the model's positions lose their beginning.</param>
    /// <param name="options">How to write; null for greedy and at most 64 tokens.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <returns>What was written, without the texts themselves and without special tokens, in their order.</returns>
    /// <exception cref="InvalidOperationException">The model classifies; or a text has no token to write on from.</exception>
    public IReadOnlyList<string> Generate(IReadOnlyList<string> prompts, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        using var use = Use();
        var decoder = Writer(options ??= new GenerationOptions());
        var texts = prompts.Select(prompt => Tokens(prompt, options)).ToList();
        var results = new string[texts.Count];
        // Texts of similar length together, so that little padding is computed.
        foreach (int[] rows in Enumerable.Range(0, texts.Count).OrderBy(row => texts[row].Length).Chunk(TextsAtATime))
        {
            using var generator = new TextGenerator(decoder, _prompt, [.. rows.Select(row => texts[row])], options, _backbone.Frozen.EndIds, rows[0]);
            var streams = rows.Select(_ => new StreamedText(_backbone.Words, options.StopStrings)).ToArray();
            var written = rows.Select(_ => new System.Text.StringBuilder()).ToArray();
            while (generator.Step())
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (int i = 0; i < rows.Length && options.StopStrings.Count > 0; i++)
                {
                    if (generator.Ended[i])
                        continue;
                    written[i].Append(streams[i].Advance(generator.Written[i], last: false));
                    generator.Ended[i] = streams[i].Stopped;
                }
            }
            for (int i = 0; i < rows.Length; i++)
                results[rows[i]] = written[i].Append(streams[i].Stopped ? "" : streams[i].Advance(generator.Written[i], last: true)).ToString();
        }
        return results;
    }

    /// <summary>Writes on from a text, piece by piece as it comes; no piece ends within a character.</summary>
    /// <param name="prompt">The text; if it is too long for the model's positions it loses its beginning.</param>
    /// <param name="options">How to write; null for greedy and at most 64 tokens.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    /// <exception cref="InvalidOperationException">The model classifies; or the text has no token to write on from.</exception>
    public async IAsyncEnumerable<string> GenerateStreamAsync(
        string prompt, GenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        using var use = Use();
        var decoder = Writer(options ??= new GenerationOptions());
        var stream = new StreamedText(_backbone.Words, options.StopStrings);
        using var generator = new TextGenerator(decoder, _prompt, [Tokens(prompt, options)], options, _backbone.Frozen.EndIds);
        // Each step runs whole on one thread: libtorch's scopes and modes belong to a thread.
        while (!stream.Stopped && await System.Threading.Tasks.Task.Run(generator.Step, cancellationToken).ConfigureAwait(false))
        {
            string piece = stream.Advance(generator.Written[0], last: false);
            if (piece.Length > 0)
                yield return piece;
        }
        string rest = stream.Stopped ? "" : stream.Advance(generator.Written[0], last: true);
        if (rest.Length > 0)
            yield return rest;
    }

    /// <summary>New tokens for token ids, for checks against references.</summary>
    internal IReadOnlyList<IReadOnlyList<int>> GenerateIds(IReadOnlyList<int[]> texts, GenerationOptions options, IReadOnlySet<int> endIds)
    {
        using var use = Use();
        using var generator = new TextGenerator(Writer(options), _prompt, texts, options, endIds);
        while (generator.Step())
        {
        }
        return generator.Written;
    }

    private Decoder Writer(GenerationOptions options)
    {
        options.Check();
        if (_adapter.Head is not null || Transformer is not Decoder decoder)
            throw new InvalidOperationException("This model classifies and does not write; use Classify, or load an adapter for language modelling (CAUSAL_LM).");
        int most = Transformer.Configuration.MaxPositions - _prompt.Length;
        if (options.MaxNewTokens >= most)
            throw new ArgumentOutOfRangeException(nameof(options), $"MaxNewTokens is {options.MaxNewTokens}, but beside {_prompt.Length} virtual tokens the model has {most} positions; use fewer.");
        return decoder;
    }

    /// <summary>A text's tokens, the last ones where there is no room for all.</summary>
    private int[] Tokens(string prompt, GenerationOptions options)
    {
        int room = Transformer.Configuration.MaxPositions - _prompt.Length - options.MaxNewTokens;
        int[] tokens = [.. _backbone.Words.Encode(prompt ?? "").Ids];
        if (tokens.Length == 0)
            throw new InvalidOperationException("A text to write on from is empty, and this tokenizer begins texts with no token of its own; give at least one character.");
        return tokens.Length > room ? tokens[^room..] : tokens;
    }
}
