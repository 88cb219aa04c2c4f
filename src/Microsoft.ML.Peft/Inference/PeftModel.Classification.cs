using System.Runtime.CompilerServices;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft;

public sealed partial class PeftModel
{
    /// <summary>Class probabilities of texts.</summary>
    /// <param name="texts">The texts; null counts as empty, too long ones are cut.</param>
    /// <param name="secondTexts">The second texts of pairs, as many as <paramref name="texts"/>; null for single texts.</param>
    /// <returns>One probability per class for each text, in their order.</returns>
    /// <exception cref="InvalidOperationException">The model was trained for regression or generation.</exception>
    [OverloadResolutionPriority(1)]     // of an empty list
    public IReadOnlyList<float[]> Classify(IReadOnlyList<string> texts, IReadOnlyList<string>? secondTexts = null)
    {
        ArgumentNullException.ThrowIfNull(texts);
        using var use = Use();
        return Classify([(_own, Own)], texts, secondTexts, null);
    }

    /// <summary>Class probabilities of texts, each by an adapter of its own; all texts pass the frozen model together.</summary>
    /// <param name="rows">The name of an adapter and a text; a null text counts as empty, too long ones are cut.</param>
    /// <param name="secondTexts">The second texts of pairs, as many as <paramref name="rows"/>; null for single texts.</param>
    /// <returns>For each row, in their order, one probability per class of its adapter.</returns>
    /// <exception cref="KeyNotFoundException">There is no adapter of a name.</exception>
    /// <exception cref="InvalidOperationException">An adapter was trained for regression or generation.</exception>
    public IReadOnlyList<float[]> Classify(IReadOnlyList<(string Adapter, string Text)> rows, IReadOnlyList<string>? secondTexts = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        using var use = Use();
        using var adapters = new AdapterLease(Adapters, [.. rows.Select(row => row.Adapter ?? throw NoAdapter(nameof(rows)))]);
        return Classify([.. adapters.Entered.Select(entered => (entered.Adapter!, entered.Loaded!))], [.. rows.Select(row => row.Text)], secondTexts, adapters.Numbers);
    }

    /// <summary>Raw outputs of the model's own adapter, logits or values, `[rows × Outputs]` row by row.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="secondTexts">As many second texts, or none.</param>
    /// <param name="outputs">Receives the outputs.</param>
    /// <param name="checkCancelled">Called before each batch.</param>
    internal void Score(ReadOnlySpan<string> texts, ReadOnlySpan<string> secondTexts, Span<float> outputs, Action? checkCancelled = null)
    {
        using var use = Use();
        Score([(_own, Own)], texts, secondTexts, null, Outputs, outputs, checkCancelled);
    }

    private List<float[]> Classify(
        IReadOnlyList<(PeftAdapter Known, LoadedAdapter Loaded)> adapters, IReadOnlyList<string> texts, IReadOnlyList<string>? secondTexts, IReadOnlyList<int>? numbers)
    {
        if (secondTexts is not null && secondTexts.Count != texts.Count)
            throw new ArgumentException($"There are {texts.Count} texts but {secondTexts.Count} second texts; give one for each, or null.", nameof(secondTexts));
        foreach (var adapter in adapters)
            adapter.Known.CheckClassifies();
        if (texts.Count == 0)
            return [];
        int width = adapters.Max(adapter => adapter.Known.Outputs);
        var scores = new float[texts.Count * width];
        Score(adapters, [.. texts], secondTexts is null ? [] : [.. secondTexts], numbers, width, scores);
        return [.. Enumerable.Range(0, texts.Count).Select(row => Softmax(scores.AsSpan(row * width, adapters[numbers?[row] ?? 0].Known.Outputs)))];
    }

    /// <summary>Raw outputs of rows of several adapters, the narrower ones with zeros behind them.</summary>
    private void Score(
        IReadOnlyList<(PeftAdapter Known, LoadedAdapter Loaded)> adapters, ReadOnlySpan<string> texts, ReadOnlySpan<string> secondTexts, IReadOnlyList<int>? numbers, int width, Span<float> outputs,
        Action? checkCancelled = null)
    {
        var rows = new TokenizedText[texts.Length];
        for (int row = 0; row < rows.Length; row++)
            rows[row] = adapters[numbers?[row] ?? 0].Known.Encode(_backbone, texts[row] ?? "", secondTexts.IsEmpty ? null : secondTexts[row] ?? "");
        Tensor Heads(Backbone transformer, TokenBatch batch, Prompts prompts)
        {
            var pooled = SequenceHead.Pool(transformer, batch, prompts, number => adapters[number].Loaded.Reading);        // [B, D]
            var scores = zeros(batch.Rows, width, device: transformer.Device);
            foreach (var own in Enumerable.Range(0, batch.Rows).GroupBy(batch.Layout.Prompt, row => (long)row))
            {
                var at = tensor([.. own], device: transformer.Device);
                var adapter = adapters[own.Key].Loaded;
                scores.narrow(1, 0, adapter.Outputs).index_copy_(0, at, adapter.Score(transformer, pooled.index_select(0, at)));
            }
            return scores;
        }
        Scorer.Run(Transformer, Prompts.Of([.. adapters.Select(adapter => adapter.Loaded.Prompt)]), rows, Heads, width, outputs, checkCancelled, numbers);
        foreach (float output in outputs)
        {
            if (!float.IsFinite(output))
                throw new InvalidOperationException($"The model computed {output}: the adapter or the weights in '{_backbone.Directory}' are damaged; train or download them again.");
        }
    }

    private static float[] Softmax(Span<float> logits)
    {
        var probabilities = new float[logits.Length];
        Probabilities.Softmax(logits, probabilities);
        return probabilities;
    }
}
