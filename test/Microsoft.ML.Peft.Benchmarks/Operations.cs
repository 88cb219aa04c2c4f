using Microsoft.ML.Peft.Backbones;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>The floating point operations that rows need: the numerator of the model FLOP utilisation (Chowdhery et al. 2022, appendix B).</summary>
/// <param name="Shape">The frozen model.</param>
/// <param name="Prefix">Whether virtual tokens are keys and values in each layer, rather than tokens in front of the text.</param>
/// <param name="VirtualTokens">P.</param>
/// <param name="Training">Whether gradients flow back to the soft prompt.</param>
/// <remarks>
/// A product `[m, k] × [k, n]` counts 2·m·k·n; normalisation, softmax, embeddings, a classification head and the method's own network
/// (applied once per step) are left out, padding is not needed and so not counted.
/// <para>Forward, per layer with hidden size D and intermediate size I: 4·S·D² (keys, values) + R·(4·D² + 4·D·I) (query, output,
/// feed-forward) + 4·R·K·D (attention) for S positions, R of them read later, and K keys seen by each. A gated feed-forward takes
/// 6·D·I instead of 4·D·I; shared key/value heads have their own width.</para>
/// <para>Backward, per layer: the same for activations only (frozen weights need no gradient), attention twice (both operands of its
/// products need one); in the first layer query, keys and values only for virtual tokens, since text needs no gradient.</para>
/// </remarks>
internal sealed record Operations(ModelConfiguration Shape, bool Prefix, int VirtualTokens, bool Training)
{
    /// <summary>Whether a model's operations are counted here: those of encoders and of decoders are.</summary>
    public static bool Count(ModelConfiguration shape) => shape is EncoderConfiguration or DecoderConfiguration;

    /// <summary>Whether tokens see what stands before them only.</summary>
    private bool Causal => Shape is DecoderConfiguration;

    /// <summary>
    /// What all rows of a batch share: in a decoder virtual tokens cannot see the text, so that their keys and values are needed once.
    /// Their own outputs are needed by no one.
    /// </summary>
    public double Batch => Causal && !Prefix ? Layers(VirtualTokens, VirtualTokens, 0, _ => (VirtualTokens + 1) / 2.0) : 0;

    /// <summary>
    /// One row of T text tokens. S = T under a prefix and in a decoder, P + T behind an encoder's virtual tokens; K = P + T, in a
    /// decoder only those up to the token itself.
    /// </summary>
    /// <param name="tokens">T.</param>
    /// <param name="read">How many positions of the text are read at the end, in a decoder the last ones.</param>
    public double Row(int tokens, int read)
    {
        int virtualTokens = Prefix || Causal ? 0 : VirtualTokens;
        return Layers(virtualTokens + tokens, virtualTokens, read, queries => VirtualTokens + tokens - (Causal ? (queries - 1) / 2 : 0));
    }

    /// <summary>One further token of a row that already has so many, virtual ones included.</summary>
    public double Token(int context) => Layers(1, 0, 1, _ => context + 1);

    /// <summary>The output layer over the vocabulary at so many positions.</summary>
    public double Logits(int positions) => (Training ? 2 : 1) * 2.0 * positions * Shape.EmbeddingSize * Shape.VocabularySize;

    private double Layers(int positions, int virtualPositions, int read, Func<double, double> keys)
    {
        double total = 0;
        for (int layer = 0; layer < Shape.Layers; layer++)
            total += Layer(positions, layer == 0 ? virtualPositions : positions, layer == Shape.Layers - 1 ? read : positions, keys);
        return total;
    }

    private double Layer(double positions, double learnt, double read, Func<double, double> keys)
    {
        double d = Shape.HiddenSize, queries = Shape.Heads * Shape.HeadSize, shared = Shape.KeyValueHeads * Shape.HeadSize;
        int matrices = Shape is DecoderConfiguration { GatedMlp: true } ? 3 : 2;
        double keysValues = 4 * d * shared, query = 2 * d * queries, rest = 2 * d * queries + 2 * matrices * d * Shape.IntermediateSize;
        double attention = 4 * read * keys(read) * queries;

        double forward = positions * keysValues + read * (query + rest) + attention;
        double backward = learnt * keysValues + Math.Min(read, learnt) * query + read * rest + 2 * attention;
        return Training ? forward + backward : forward;
    }
}
