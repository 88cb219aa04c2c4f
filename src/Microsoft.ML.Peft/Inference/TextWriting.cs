using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.ML.Peft.Backbones;

namespace Microsoft.ML.Peft.Inference;

/// <summary>From texts to texts: writing with a frozen model and a soft prompt, or with the frozen model alone.</summary>
/// <param name="backbone">The frozen model.</param>
/// <param name="prompt">The soft prompt as <see cref="Backbone.Prepare"/> gave it, or null.</param>
internal sealed class TextWriting(PretrainedModel backbone, Prompt? prompt)
{
    private const int TextsAtATime = 16;

    private readonly LanguageModel _model = backbone.Frozen.Backbone as LanguageModel
        ?? throw new InvalidOperationException($"The frozen model in '{backbone.Directory}' is an encoder, which reads and does not write; take a language model.");

    private int Virtual => prompt?.Length ?? 0;

    /// <summary>What is written on each text, without the text and without special tokens.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="options">How.</param>
    /// <param name="numbers">A number for each text, which its random numbers depend on besides the seed; null for its place.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    public IReadOnlyList<string> Write(IReadOnlyList<string> texts, GenerationOptions options, IReadOnlyList<int>? numbers, CancellationToken cancellationToken)
    {
        Check(options);
        var tokens = texts.Select(text => Tokens(text, options)).ToList();
        if (options.Beams > 1)
            return [.. tokens.Select(text => Decode(BeamSearch.Write(_model, prompt, text, options, backbone.Frozen.EndIds, cancellationToken), options))];
        var results = new string[texts.Count];
        // Texts of similar length together: they start from one batch.
        foreach (int[] rows in Enumerable.Range(0, texts.Count).OrderBy(row => tokens[row].Count).Chunk(TextsAtATime))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var generator = new TextGenerator(
                _model, prompt, [.. rows.Select(row => tokens[row])], options, backbone.Frozen.EndIds, [.. rows.Select(row => numbers?[row] ?? row)]);
            var streams = rows.Select(_ => new StreamedText(backbone.Words, options.StopStrings)).ToArray();
            var written = rows.Select(_ => new StringBuilder()).ToArray();
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

    /// <summary>What is written on a text, piece by piece as it comes; no piece ends within a character.</summary>
    public IAsyncEnumerable<string> StreamAsync(string text, GenerationOptions options, CancellationToken cancellationToken) =>
        StreamAsync(backbone.Words.Encode(text ?? "").Ids, options, backbone.Frozen.EndIds, new WritingCount(), cancellationToken);

    /// <summary>What is written on tokens, piece by piece as it comes; no piece ends within a character.</summary>
    /// <param name="tokens">The tokens to write on from.</param>
    /// <param name="options">How.</param>
    /// <param name="endIds">The tokens that end the text.</param>
    /// <param name="count">Is told how it went before the last piece.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    public async IAsyncEnumerable<string> StreamAsync(
        IReadOnlyList<int> tokens, GenerationOptions options, IReadOnlySet<int> endIds, WritingCount count, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Check(options);
        if (options.Beams > 1)
            throw new NotSupportedException("Beam search decides on a text only at its end, so it cannot be streamed; set Beams to 1, or use Generate.");
        CheckRoom(tokens, options);
        var stream = new StreamedText(backbone.Words, options.StopStrings);
        // Each step runs whole on one thread: libtorch's scopes and modes belong to a thread.
        using var generator = await Task.Run(() => new TextGenerator(_model, prompt, [tokens], options, endIds), cancellationToken).ConfigureAwait(false);
        while (!stream.Stopped && await Task.Run(generator.Step, cancellationToken).ConfigureAwait(false))
        {
            string piece = stream.Advance(generator.Written[0], last: false);
            if (piece.Length > 0)
                yield return piece;
        }
        (count.Tokens, count.Ended) = (generator.Written[0].Count, stream.Stopped || generator.Ended[0]);
        string rest = stream.Stopped ? "" : stream.Advance(generator.Written[0], last: true);
        if (rest.Length > 0)
            yield return rest;
    }

    private string Decode(IReadOnlyList<int> tokens, GenerationOptions options) => new StreamedText(backbone.Words, options.StopStrings).Advance(tokens, last: true);

    private void Check(GenerationOptions options)
    {
        options.Check();
        int most = backbone.Configuration.MaxPositions - Virtual;
        if (options.MaxNewTokens >= most)
            throw new ArgumentOutOfRangeException(nameof(options), $"MaxNewTokens is {options.MaxNewTokens}, but beside {Virtual} virtual tokens the model has {most} positions; use fewer.");
    }

    private IReadOnlyList<int> Tokens(string text, GenerationOptions options)
    {
        var tokens = backbone.Words.Encode(text ?? "").Ids;
        CheckRoom(tokens, options);
        return tokens;
    }

    private void CheckRoom(IReadOnlyList<int> tokens, GenerationOptions options)
    {
        if (tokens.Count == 0)
            throw new InvalidOperationException("A text to write on from is empty, and this tokenizer begins texts with no token of its own; give at least one character.");
        int room = backbone.Configuration.MaxPositions - Virtual - options.MaxNewTokens;
        if (tokens.Count > room)
            throw new ArgumentException($"A text to write on from has {tokens.Count} tokens, but beside {Virtual} virtual and {options.MaxNewTokens} new tokens the model has room for {room}; shorten it or lower MaxNewTokens.");
    }
}
