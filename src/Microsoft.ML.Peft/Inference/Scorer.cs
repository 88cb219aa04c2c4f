using Microsoft.ML.Peft.Backbones;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Inference;

/// <summary>Runs many rows through a frozen model: sorted by length, so that little padding is computed, results in the rows' own order.</summary>
internal static class Scorer
{
    private const int MaxRows = 64;
    private const int MaxTokens = 4096;

    /// <summary>What <paramref name="head"/> makes of each row: `[rows × outputs]`, row by row.</summary>
    /// <param name="transformer">The frozen model.</param>
    /// <param name="prompts">The soft prompts.</param>
    /// <param name="rows">The texts.</param>
    /// <param name="head">From the frozen model, a batch and the prompts to outputs `[B, C]`, 32-bit.</param>
    /// <param name="outputs">C.</param>
    /// <param name="results">Receives the results.</param>
    /// <param name="checkCancelled">Called before each batch.</param>
    /// <param name="numbers">The numbers of the rows' soft prompts; null where all have the same.</param>
    public static void Run(
        Backbone transformer, Prompts prompts, IReadOnlyList<TokenizedText> rows, Func<Backbone, TokenBatch, Prompts, Tensor> head, int outputs,
        Span<float> results, Action? checkCancelled = null, IReadOnlyList<int>? numbers = null)
    {
        using var frozen = no_grad();
        using var run = NewDisposeScope();
        prompts = prompts.Select(transformer.Prepare);
        foreach (int[] batch in Batches(rows))
        {
            checkCancelled?.Invoke();
            using var scope = NewDisposeScope();
            var tokens = TokenBatch.Create([.. batch.Select(row => rows[row])], transformer.PaddingId, transformer.Device, numbers is null ? null : [.. batch.Select(row => numbers[row])]);
            var scores = head(transformer, tokens, prompts).cpu().contiguous();      // [B, C]
            var values = scores.data<float>();
            for (int i = 0; i < batch.Length; i++)
            {
                for (int output = 0; output < outputs; output++)
                    results[batch[i] * outputs + output] = values[(long)i * outputs + output];
            }
        }
    }

    private static IEnumerable<int[]> Batches(IReadOnlyList<TokenizedText> rows)
    {
        int[] order = [.. Enumerable.Range(0, rows.Count).OrderByDescending(row => rows[row].Ids.Count)];
        for (int start = 0; start < order.Length;)
        {
            int longest = Math.Max(1, rows[order[start]].Ids.Count);
            int size = Math.Clamp(MaxTokens / longest, 1, Math.Min(MaxRows, order.Length - start));
            yield return order[start..(start + size)];
            start += size;
        }
    }
}
