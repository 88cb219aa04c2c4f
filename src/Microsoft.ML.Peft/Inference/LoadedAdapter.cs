using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Inference;

/// <summary>An adapter ready for use: all that does not depend on the text is computed.</summary>
internal sealed class LoadedAdapter : IDisposable
{
    private readonly LabelWords? _labelWords;

    /// <summary>Takes over the adapter.</summary>
    public LoadedAdapter(PretrainedModel backbone, Adapter adapter)
    {
        Adapter = adapter;
        Prompt = adapter.Prompt(backbone.Frozen.Backbone);
        _labelWords = adapter.LabelWords is { } description ? LabelWords.Create(backbone, description.Words) : null;
        Outputs = adapter.Head?.Outputs ?? _labelWords?.Classes ?? backbone.Configuration.VocabularySize;
        IEnumerable<Tensor> prompt = Prompt.KeysValues ?? [Prompt.Embeddings!];
        Bytes = (adapter.Head?.Parameters.Values ?? []).Concat(prompt).Append(adapter.PromptEmbeddings).Sum(tensor => tensor.numel() * tensor.dtype.ElementSize());
    }

    public Adapter Adapter { get; }

    public Prompt Prompt { get; }

    /// <summary>The number of outputs C; the vocabulary of a language model that writes.</summary>
    public int Outputs { get; }

    /// <summary>About how much memory it takes, at most.</summary>
    public long Bytes { get; }

    /// <summary>What its head reads of each row.</summary>
    public HeadReading Reading => Adapter.Head?.Reading ?? LabelWords.Reading;

    /// <summary>Logits or values `[B, C]` for what is read of each row `[B, D]`.</summary>
    public Tensor Score(Backbone transformer, Tensor pooled) => _labelWords is null
        ? Adapter.Head!.Forward(pooled)
        : _labelWords.Score(transformer, pooled).Times(Adapter.LabelWords!.Scale);

    /// <exception cref="InvalidOperationException">The adapter has a head.</exception>
    public TextWriting Writing(PretrainedModel backbone) => Adapter.Head is null
        ? new TextWriting(backbone, Prompt)
        : throw new InvalidOperationException("This model classifies and does not write; use Classify, or load an adapter for language modelling (CAUSAL_LM).");

    public void Dispose()
    {
        Prompt.Dispose();
        _labelWords?.Dispose();
        Adapter.Dispose();
    }
}
