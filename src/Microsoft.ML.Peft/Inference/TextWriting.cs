using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.ML.Peft.Backbones;

namespace Microsoft.ML.Peft.Inference;

/// <summary>From texts to texts: writing with a frozen model and a soft prompt, or with the frozen model alone.</summary>
/// <param name="backbone">The frozen model.</param>
/// <param name="prompt">The soft prompt as <see cref="Backbone.Prepare"/> gave it, or null.</param>
internal sealed class TextWriting(PretrainedModel backbone, Prompt? prompt)
{
    private readonly LanguageModel _model = backbone.Frozen.Backbone as LanguageModel
        ?? throw new InvalidOperationException($"The frozen model in '{backbone.Directory}' is an encoder, which reads and does not write; take a language model.");

    private int Virtual => prompt?.Length ?? 0;

    /// <summary>What is written on each text, without the text and without special tokens; together with what others have this model write.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="options">How.</param>
    /// <param name="numbers">A number for each text, which its random numbers depend on besides the seed; null for its place.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    public IReadOnlyList<string> Write(IReadOnlyList<string> texts, GenerationOptions options, IReadOnlyList<int>? numbers, CancellationToken cancellationToken) =>
        Write([.. texts.Select(text => (this, text))], options, numbers, cancellationToken);

    /// <summary>The same for texts of several soft prompts over one frozen model.</summary>
    public static IReadOnlyList<string> Write(
        IReadOnlyList<(TextWriting By, string Text)> texts, GenerationOptions options, IReadOnlyList<int>? numbers, CancellationToken cancellationToken)
    {
        options.Check();
        if (options.Beams > 1)
            return [.. texts.Select(text => text.By.WriteBeams(text.Text, options, cancellationToken))];
        var writings = texts.Select((text, row) => text.By.Begin(text.Text, options, numbers?[row] ?? row)).ToList();
        if (writings.Count == 0)
            return [];
        using (cancellationToken.Register(() => writings.ForEach(text => text.Writing.Stop())))
            WritingQueue.Of(texts[0].By._model).WriteAsync([.. writings.Select(text => text.Writing)]).GetAwaiter().GetResult();
        cancellationToken.ThrowIfCancellationRequested();
        return [.. writings.Select(text => text.End())];
    }

    /// <summary>As <see cref="Write(IReadOnlyList{string}, GenerationOptions, IReadOnlyList{int}?, CancellationToken)"/>, but by this thread alone: the same bits whatever else is written.</summary>
    public IReadOnlyList<string> WriteAlone(IReadOnlyList<string> texts, GenerationOptions options, CancellationToken cancellationToken)
    {
        if (options.Beams > 1)
            return [.. texts.Select(text => WriteBeams(text, options, cancellationToken))];
        var writings = texts.Select((text, row) => Begin(text, options, row)).ToList();
        WritingBatch.WriteAll(_model, writings.Select(text => text.Writing), cancellationToken);
        return [.. writings.Select(text => text.End())];
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
        if (options.Beams > 1)
            throw new NotSupportedException("Beam search decides on a text only at its end, so it cannot be streamed; set Beams to 1, or use Generate.");
        Check(tokens, options);
        var pieces = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
        var writing = new Writing(_model, prompt, tokens, options, endIds);
        var text = new WritingText(backbone.Words, writing, options.StopStrings, piece => pieces.Writer.TryWrite(piece));
        var written = WritingQueue.Of(_model).WriteAsync([writing]);
        _ = written.ContinueWith(task => pieces.Writer.Complete(task.Exception?.InnerException), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        try
        {
            await foreach (string piece in pieces.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return piece;
            }
        }
        finally
        {
            // The caller may free the soft prompt afterwards.
            writing.Stop();
            await written.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        (count.Tokens, count.Ended) = (writing.Written.Count, text.HasEnded);
        string rest = text.End();
        if (rest.Length > 0)
            yield return rest;
    }

    private WritingText Begin(string text, GenerationOptions options, int number)
    {
        var writing = new Writing(_model, prompt, Tokens(text, options), options, backbone.Frozen.EndIds, number);
        return new WritingText(backbone.Words, writing, options.StopStrings, show: null);
    }

    private string WriteBeams(string text, GenerationOptions options, CancellationToken cancellationToken)
    {
        var written = BeamSearch.Write(_model, prompt, Tokens(text, options), options, backbone.Frozen.EndIds, cancellationToken);
        return new StreamedText(backbone.Words, options.StopStrings).Advance(written, last: true);
    }

    private IReadOnlyList<int> Tokens(string text, GenerationOptions options)
    {
        var tokens = backbone.Words.Encode(text ?? "").Ids;
        Check(tokens, options);
        return tokens;
    }

    private void Check(IReadOnlyList<int> tokens, GenerationOptions options)
    {
        options.Check();
        int most = backbone.Configuration.MaxPositions - Virtual, room = most - options.MaxNewTokens;
        if (room <= 0)
            throw new ArgumentOutOfRangeException(nameof(options), $"MaxNewTokens is {options.MaxNewTokens}, but beside {Virtual} virtual tokens the model has {most} positions; use fewer.");
        if (tokens.Count == 0)
            throw new InvalidOperationException("A text to write on from is empty, and this tokenizer begins texts with no token of its own; give at least one character.");
        if (tokens.Count > room)
            throw new ArgumentException($"A text to write on from has {tokens.Count} tokens, but beside {Virtual} virtual and {options.MaxNewTokens} new tokens the model has room for {room}; shorten it or lower MaxNewTokens.");
    }
}
