using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Native;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks.Naive;

/// <summary>A soft prompt as Hugging Face PEFT hands it to a model: a copy of its own for each row.</summary>
/// <param name="length">P.</param>
/// <param name="isPrefix">Whether it is keys and values of each layer rather than virtual tokens.</param>
/// <param name="compute">The prompt for so many rows `[B, P, …]` in the layout of Hugging Face's files.</param>
internal sealed class NaivePrompt(int length, bool isPrefix, Func<long, Tensor> compute)
{
    public int Length => length;

    /// <summary>A soft prompt in training. PEFT runs a prefix's network for each row, and the others' once.</summary>
    public static NaivePrompt Of(SoftPrompt softPrompt, int length)
    {
        if (softPrompt is not (PrefixTuning or ProjectedPrefixTuning))
            return new NaivePrompt(length, isPrefix: false, rows => softPrompt.Compute().unsqueeze(0).repeat(rows, 1, 1));
        // What a network's output is added to; PEFT adds it to nothing, which costs the same.
        Tensor start;
        using (no_grad())
        using (NewDisposeScope())
            start = softPrompt.Compute().sub(Prefix(softPrompt, length, 1)[0]).DetachFromDisposeScope();
        return new NaivePrompt(length, isPrefix: true, rows => Prefix(softPrompt, length, rows).Plus(start));
    }

    /// <summary>A trained prompt `[P, …]`.</summary>
    public static NaivePrompt Of(Tensor prompt, bool isPrefix) => new((int)prompt.size(0), isPrefix, rows => prompt.unsqueeze(0).repeat(rows, 1, 1));

    /// <summary>Virtual tokens `[B, P, E]`; null for a prefix.</summary>
    public Tensor? Embeddings(long rows) => isPrefix ? null : compute(rows);

    /// <summary>Each layer's keys and values `[B, KV, P, d]`; null for virtual tokens.</summary>
    public (Tensor Key, Tensor Value)[]? KeysValues(long rows, ModelConfiguration shape)
    {
        if (!isPrefix)
            return null;
        var layers = compute(rows).view(rows, length, 2 * shape.Layers, shape.KeyValueHeads, -1).permute(2, 0, 3, 1, 4);      // [2·L, B, KV, P, d]
        return [.. Enumerable.Range(0, shape.Layers).Select(layer => (layers[2 * layer], layers[2 * layer + 1]))];
    }

    /// <summary>The table's rows for each row of the batch, through the network where there is one: `[B, P, 2·L·KV·d]`.</summary>
    private static Tensor Prefix(SoftPrompt softPrompt, int length, long rows)
    {
        Tensor Weight(string name) => softPrompt.Parameters[name];
        var numbers = arange(length).repeat(rows);
        var prefix = Weight("embedding.weight").index_select(0, numbers).view(rows, length, -1);
        if (softPrompt is not ProjectedPrefixTuning)
            return prefix;
        var inner = tanh(nn.functional.linear(prefix, Weight("transform.0.weight"), Weight("transform.0.bias")));
        return nn.functional.linear(inner, Weight("transform.2.weight"), Weight("transform.2.bias"));
    }
}
