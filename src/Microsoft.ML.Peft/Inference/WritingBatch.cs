using System.Runtime.InteropServices;
using Microsoft.ML.Peft.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// Writes on several texts at a time, token by token, whatever their soft prompts and lengths: each step gives every text one token. Texts
/// that are complete leave, and others take their places (continuous batching, Yu et al. 2022). For one thread.
/// </summary>
internal sealed class WritingBatch(LanguageModel model) : IDisposable
{
    private const int MaxTexts = 16;

    /// <summary>Texts that are read in one step may not keep the others waiting for long.</summary>
    private const int MaxTokensRead = 1024;

    private List<Writing> _texts = [];      // one per row
    private WrittenRows? _rows;

    /// <summary>Writes all texts, on the caller's thread.</summary>
    /// <param name="model">The frozen model.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="cancellationToken">Stops between two tokens.</param>
    public static void WriteAll(LanguageModel model, IEnumerable<Writing> texts, CancellationToken cancellationToken)
    {
        using var batch = new WritingBatch(model);
        var waiting = new Queue<Writing>(texts);
        do
            cancellationToken.ThrowIfCancellationRequested();
        while (batch.Step(waiting));
    }

    /// <summary>Takes in waiting texts as far as there is room, and writes one token on each text that is not complete; false if there is none.</summary>
    public bool Step(Queue<Writing> waiting)
    {
        Leave();
        if (_texts.Count > 0)
            _rows!.Append([.. _texts.Select(text => text.Written[^1])]);
        Join(waiting);
        if (_texts.Count == 0)
            return false;
        using var scope = NewDisposeScope();
        var logits = MemoryMarshal.Cast<byte, float>(_rows!.Logits.cpu().contiguous().bytes);   // [B × V]
        int vocabulary = logits.Length / _texts.Count;
        for (int row = 0; row < _texts.Count; row++)
            _texts[row].Advance(logits.Slice(row * vocabulary, vocabulary));
        return true;
    }

    public void Dispose() => _rows?.Dispose();

    /// <summary>Complete texts leave; the last ones take their rows, so that the others keep theirs.</summary>
    private void Leave()
    {
        bool[] leaves = [.. _texts.Select(text => text.IsComplete)];
        int count = leaves.Count(leave => !leave);
        if (count == leaves.Length)
            return;
        var last = new Queue<int>(Enumerable.Range(count, leaves.Length - count).Where(row => !leaves[row]));
        int[] kept = [.. Enumerable.Range(0, count).Select(row => leaves[row] ? last.Dequeue() : row)];
        _texts = [.. kept.Select(row => _texts[row])];
        if (count > 0)
        {
            _rows!.Keep(kept);
            return;
        }
        _rows!.Dispose();
        _rows = null;
    }

    private void Join(Queue<Writing> waiting)
    {
        var joining = new List<Writing>();
        int tokens = 0;
        while (_texts.Count + joining.Count < MaxTexts && waiting.TryPeek(out var next) && (joining.Count == 0 || tokens + next.Text.Count <= MaxTokensRead))
        {
            waiting.Dequeue();
            if (next.IsComplete)
                continue;
            joining.Add(next);
            tokens += next.Text.Count;
        }
        if (joining.Count == 0)
            return;
        (_rows ??= model.Begin()).Add([.. joining.Select(text => text.Text)], [.. joining.Select(text => text.Prompt)], joining.Max(text => text.MaxNewTokens));
        _texts.AddRange(joining);
    }
}
