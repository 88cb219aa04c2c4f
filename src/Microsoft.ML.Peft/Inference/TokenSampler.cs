using System.Numerics.Tensors;

namespace Microsoft.ML.Peft.Inference;

/// <summary>Chooses the next token of one text from the model's logits. Its random numbers are its own, so other texts do not change it.</summary>
internal sealed class TokenSampler(GenerationOptions options, IReadOnlySet<int> endIds, IEnumerable<int> prompt, int seed)
{
    private readonly HashSet<int> _seen = [.. prompt];
    private readonly Random _random = new(seed);
    private int _written;

    /// <summary>The next token. The logits `[V]` are changed.</summary>
    public int Next(Span<float> logits)
    {
        Adjust(logits, options, _seen, _written, endIds);
        int token = options.Temperature == 0 ? TensorPrimitives.IndexOfMax(logits) : Draw(logits);
        _seen.Add(token);
        _written++;
        return token;
    }

    /// <summary>Makes tokens less likely that the text already has, and impossible ones that would end it too early.</summary>
    /// <param name="logits">`[V]`</param>
    /// <param name="options">How much, and how early.</param>
    /// <param name="seen">The text's tokens, which may repeat.</param>
    /// <param name="written">How many new ones there are.</param>
    /// <param name="endIds">The tokens that end a text.</param>
    public static void Adjust(Span<float> logits, GenerationOptions options, IEnumerable<int> seen, int written, IReadOnlySet<int> endIds)
    {
        if (options.RepetitionPenalty != 1)
        {
            foreach (int token in seen.Distinct())
                logits[token] = (float)(logits[token] > 0 ? logits[token] / options.RepetitionPenalty : logits[token] * options.RepetitionPenalty);
        }
        if (written >= options.MinNewTokens)
            return;
        foreach (int end in endIds)
            logits[end] = float.NegativeInfinity;
    }

    private int Draw(Span<float> logits)
    {
        TensorPrimitives.Divide(logits, (float)options.Temperature, logits);
        Probabilities.Softmax(logits, logits);
        int[] order = [.. Enumerable.Range(0, logits.Length)];
        // Negated, because sorting by a comparison of one's own takes several times as long, for every text and token.
        float[] keys = new float[logits.Length];
        TensorPrimitives.Negate(logits, keys);
        keys.AsSpan().Sort(order.AsSpan());
        int kept = Kept(logits, order);
        double sum = 0;
        for (int i = 0; i < kept; i++)
            sum += logits[order[i]];
        double left = _random.NextDouble() * sum;
        for (int i = 0; i < kept - 1; i++)
        {
            left -= logits[order[i]];
            if (left < 0)
                return order[i];
        }
        return order[kept - 1];
    }

    /// <summary>How many of the likeliest tokens may be drawn: the strictest of top-k, top-p and min-p.</summary>
    private int Kept(ReadOnlySpan<float> probabilities, int[] order)
    {
        int most = options.TopK == 0 ? order.Length : Math.Min(options.TopK, order.Length);
        double least = options.MinP * probabilities[order[0]], sum = 0;
        for (int i = 0; i < most; i++)
        {
            if (i > 0 && (sum >= options.TopP || probabilities[order[i]] < least))
                return i;
            sum += probabilities[order[i]];
        }
        return most;
    }
}
