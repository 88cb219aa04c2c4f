using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>A frozen transformer that predicts tokens.</summary>
internal abstract class LanguageModel : Backbone
{
    /// <summary>Whether what is written continues the text that was read, or stands apart from it.</summary>
    public virtual bool Continues => true;

    /// <summary>The next token's logits `[…, V]`, 32-bit, for hidden states `[…, D]`.</summary>
    public abstract Tensor Logits(Tensor hidden);

    /// <summary>A batch of texts whose targets are known (teacher forcing), and the positions at which the targets' tokens are predicted, row by row.</summary>
    /// <param name="texts">Token ids, none empty.</param>
    /// <param name="targets">What is to be written on each, not empty. What would follow its last token is not asked.</param>
    public virtual (TokenBatch Batch, long[] Asking) TeacherForced(IReadOnlyList<IReadOnlyList<int>> texts, IReadOnlyList<int[]> targets)
    {
        var batch = TokenBatch.Create([.. texts.Zip(targets, (text, target) => (IReadOnlyList<int>)[.. text, .. target[..^1]])], Device);
        return (batch, [.. targets.SelectMany((target, row) => Enumerable.Range(texts[row].Count - 1, target.Length).Select(at => batch.Layout.Start(row) + at))]);
    }

    /// <summary>No rows to write on yet; <see cref="WrittenRows.Add"/> adds some.</summary>
    public abstract WrittenRows Begin();

    /// <summary>Reads texts, to write on from them.</summary>
    /// <param name="texts">Token ids, none empty.</param>
    /// <param name="prompt">The soft prompt of all, or null.</param>
    /// <param name="maxNewTokens">How many tokens are written at most.</param>
    public WrittenRows Begin(IReadOnlyList<IReadOnlyList<int>> texts, Prompt? prompt, int maxNewTokens)
    {
        var rows = Begin();
        rows.Add(texts, [.. texts.Select(_ => prompt)], maxNewTokens);
        return rows;
    }
}
