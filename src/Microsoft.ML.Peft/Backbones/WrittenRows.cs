using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// Rows that are written on: each text passes the model once, then every step computes one position per row. Rows may join and leave between
/// two steps. For one thread at a time.
/// </summary>
internal abstract class WrittenRows(LanguageModel model) : IDisposable
{
    private Tensor? _logits;

    /// <summary>The next token's logits of each row `[B, V]`, 32-bit. Belongs to these rows.</summary>
    public Tensor Logits => _logits ?? throw new InvalidOperationException("There are no rows yet.");

    /// <summary>Reads texts, which become further rows behind those that are there.</summary>
    /// <param name="texts">Token ids, none empty.</param>
    /// <param name="prompts">The soft prompt of each, or null.</param>
    /// <param name="maxNewTokens">How many tokens are written at most.</param>
    public void Add(IReadOnlyList<IReadOnlyList<int>> texts, IReadOnlyList<Prompt?> prompts, int maxNewTokens)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var (different, numbers) = Prompts.OfRows(prompts);
        var logits = model.Logits(Read(texts, different.Select(model.Prepare), numbers, maxNewTokens));
        Replace(_logits is null ? logits : cat([_logits, logits], 0));
    }

    /// <summary>Reads one more token of each row, after which <see cref="Logits"/> are the next ones.</summary>
    public void Append(IReadOnlyList<int> tokens)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Replace(model.Logits(Next(tensor(tokens.Select(token => (long)token).ToArray(), device: model.Device))));
    }

    /// <summary>Goes on with these of the rows, in this order; a row may be left out or stand there several times. Rows that keep their place cost nothing.</summary>
    public void Keep(IReadOnlyList<int> rows)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Select(rows);
        Replace(Logits.index_select(0, tensor(rows.Select(row => (long)row).ToArray(), device: model.Device)));
    }

    public void Dispose()
    {
        _logits?.Dispose();
        Free();
    }

    /// <summary>Reads texts as further rows: the hidden states that their first tokens are predicted from `[B, D]`.</summary>
    /// <param name="texts">Token ids.</param>
    /// <param name="prompts">The soft prompts, as <see cref="Backbone.Prepare"/> gave them.</param>
    /// <param name="numbers">Which of them each text has.</param>
    /// <param name="maxNewTokens">How many tokens are written at most.</param>
    protected abstract Tensor Read(IReadOnlyList<IReadOnlyList<int>> texts, Prompts prompts, IReadOnlyList<int> numbers, int maxNewTokens);

    /// <summary>Reads one more token of each row `[B]`: the hidden states that the next ones are predicted from `[B, D]`.</summary>
    protected abstract Tensor Next(Tensor ids);

    /// <summary>Goes on with these of the rows.</summary>
    protected abstract void Select(IReadOnlyList<int> rows);

    /// <summary>Frees what the rows have read.</summary>
    protected abstract void Free();

    private void Replace(Tensor logits)
    {
        _logits?.Dispose();
        _logits = logits.DetachFromDisposeScope();
    }
}
