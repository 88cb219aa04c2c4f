using Microsoft.ML.Peft.Backbones;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>The floating point operations that rows need: the numerator of the model FLOP utilisation (Chowdhery et al. 2022, appendix B).</summary>
/// <param name="Shape">The frozen model.</param>
/// <param name="Prefix">Whether virtual tokens are keys and values in each layer, rather than tokens in front of the text.</param>
/// <param name="VirtualTokens">P.</param>
/// <param name="ReadsAllTokens">Whether pooling reads all of the text (mean), rather than one position.</param>
/// <param name="Training">Whether gradients flow back to the soft prompt.</param>
internal sealed record Operations(ModelConfiguration Shape, bool Prefix, int VirtualTokens, bool ReadsAllTokens, bool Training)
{
    /// <summary>
    /// One row with T text tokens, P virtual tokens, hidden size D and intermediate size I. A product `[m, k] × [k, n]` counts 2·m·k·n;
    /// normalisation, softmax, embeddings, the head and the method's own network (applied once per step) are left out, padding is not
    /// needed and so not counted.
    /// <para>Forward, per layer: 4·S·D² (keys, values) + R·(4·D² + 4·D·I) (query, output, feed-forward) + 4·R·K·D (attention)
    /// (a gated feed-forward 6·D·I instead of 4·D·I, and shared key/value heads their own width) with
    /// S = T positions under a prefix and P + T behind an input prompt, K = P + T keys, and R = S positions that are read later; in the
    /// last layer only those that pooling reads.</para>
    /// <para>Backward, per layer: the same for activations only (frozen weights need no gradient), attention twice (both operands of its
    /// products need one); in the first layer query, keys and values only for the S − T virtual tokens, since text needs no gradient.</para>
    /// </summary>
    public double Row(int textTokens)
    {
        double total = 0;
        for (int layer = 0; layer < Shape.Layers; layer++)
            total += Layer(textTokens, first: layer == 0, last: layer == Shape.Layers - 1);
        return total;
    }

    private double Layer(int textTokens, bool first, bool last)
    {
        double d = Shape.HiddenSize, keys = textTokens + VirtualTokens;
        double positions = Prefix ? textTokens : keys;
        double read = !last ? positions : ReadsAllTokens ? textTokens : 1;
        double learnt = first ? positions - textTokens : positions;
        double queries = Shape.Heads * Shape.HeadSize, shared = Shape.KeyValueHeads * Shape.HeadSize;
        int matrices = Shape is DecoderConfiguration { GatedMlp: true } ? 3 : 2;
        double keysValues = 4 * d * shared, query = 2 * d * queries, rest = 2 * d * queries + 2 * matrices * d * Shape.IntermediateSize, attention = 4 * read * keys * queries;

        double forward = positions * keysValues + read * (query + rest) + attention;
        double backward = learnt * keysValues + Math.Min(read, learnt) * query + read * rest + 2 * attention;
        return Training ? forward + backward : forward;
    }
}
