using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// A classifier without a head: the frozen language model's own output layer, asked for the words of each class right behind the text
/// (Lester et al. 2021; the verbalizer of Schick and Schütze 2021).
/// </summary>
/// <remarks>
/// A class's score is the mean logit of its words' different tokens at the text's last position, so that all classes cost one pass, however many and
/// however long their names are. For one token per class the probabilities are the language model's own, among those tokens.
/// </remarks>
internal sealed class LabelWords : IDisposable
{
    private readonly Tensor _tokens;    // [K], int64: the tokens of all classes, each once
    private readonly Tensor _means;     // [C, K], 32-bit: 1/n at a class's n tokens

    private LabelWords(Tensor tokens, Tensor means) => (_tokens, _means) = (tokens, means);

    /// <summary>C.</summary>
    public int Classes => (int)_means.size(0);

    /// <param name="backbone">The language model.</param>
    /// <param name="words">The words of each class; tokenised as a text to write is, without special tokens.</param>
    /// <exception cref="ArgumentException">Words have no tokens, or two classes have the same ones: nothing could tell them apart.</exception>
    public static LabelWords Create(PretrainedModel backbone, IReadOnlyList<string> words)
    {
        var classes = words.Select(word => backbone.Words.EncodeToIds(word).Distinct().Order().ToArray()).ToList();
        for (int i = 0; i < classes.Count; i++)
        {
            if (classes[i].Length == 0)
                throw new ArgumentException($"The label words '{words[i]}' have no tokens; give each label words.");
            int same = classes.FindIndex(0, i, other => other.SequenceEqual(classes[i]));
            if (same >= 0)
                throw new ArgumentException($"The label words '{words[same]}' and '{words[i]}' have the same tokens, so that nothing tells their labels apart; give one of them other words in LabelWords.");
        }
        int[] tokens = [.. classes.SelectMany(ids => ids).Distinct().Order()];
        var means = new float[classes.Count * tokens.Length];
        for (int i = 0; i < classes.Count; i++)
        {
            foreach (int id in classes[i])
                means[i * tokens.Length + Array.BinarySearch(tokens, id)] = 1f / classes[i].Length;
        }
        var device = backbone.Frozen.Backbone.Device;
        return new LabelWords(
            tensor([.. tokens.Select(id => (long)id)], device: device).DetachFromDisposeScope(),
            tensor(means, [classes.Count, tokens.Length], device: device).DetachFromDisposeScope());
    }

    /// <summary>What is read of each row: its last position.</summary>
    public static HeadReading Reading { get; } = new(Pooling.HuggingFace, HeadLayout.Decoder);

    /// <summary>The scores `[B, C]` of a batch's rows, 32-bit.</summary>
    public Tensor Score(Backbone transformer, TokenBatch batch, Prompts prompts) => Score(transformer, SequenceHead.Pool(transformer, batch, prompts, _ => Reading));

    /// <summary>The scores `[B, C]` for what is read of each row `[B, D]`.</summary>
    public Tensor Score(Backbone transformer, Tensor last)
    {
        var logits = ((LanguageModel)transformer).Logits(last.to(transformer.Type));                             // [B, V]
        return nn.functional.linear(logits.index_select(1, _tokens), _means);
    }

    public void Dispose()
    {
        _tokens.Dispose();
        _means.Dispose();
    }
}
