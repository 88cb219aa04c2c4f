using Microsoft.ML.Peft.Inference;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks.Naive;

/// <summary>Predicts with a trained adapter as Hugging Face PEFT does: texts as they come, each batch padded to its longest row.</summary>
internal sealed class NaiveScoring : IDisposable
{
    private const double MostDifference = 1e-5;

    private readonly PretrainedModel _backbone;
    private readonly NaiveModel _model;
    private readonly PeftModel _library;
    private readonly Adapter _adapter;
    private readonly NaivePrompt _prompt;
    private readonly int _maxTokens;

    /// <param name="trained">The trained model.</param>
    /// <param name="model">The frozen model's name.</param>
    /// <param name="isPrefix">Whether the soft prompt is a prefix.</param>
    /// <param name="maxTokens">The longest text in tokens.</param>
    public NaiveScoring(PeftModel trained, string? model, bool isPrefix, int maxTokens)
    {
        _backbone = PretrainedModel.Load(model, Precision.Float32);
        _model = NaiveModel.Of(_backbone);
        _adapter = ReloadedAdapter.Of(trained, _backbone);
        _library = new PeftModel(_backbone, _adapter);
        _prompt = NaivePrompt.Of(_adapter.PromptEmbeddings, isPrefix);
        _maxTokens = maxTokens;
    }

    /// <summary>The class probabilities of each text.</summary>
    public IReadOnlyList<float[]> Classify(IEnumerable<string> texts, int batch)
    {
        using var frozen = no_grad();
        var head = new NaiveHead(_adapter.Head!, _model.Pooler);
        var results = new List<float[]>();
        foreach (string[] part in texts.Chunk(batch))
        {
            using var scope = NewDisposeScope();
            var tokens = part.Select(text => _backbone.Words.Encode(text, null, _maxTokens)).ToList();
            var rows = NaiveBatch.Create([.. tokens.Select(text => text.Ids)], [.. tokens.Select(text => text.TypeIds)]);
            var probabilities = softmax(head.Forward(_model.Forward(rows, _prompt), rows), 1).contiguous();         // [B, C]
            results.AddRange(probabilities.data<float>().ToArray().Chunk((int)probabilities.size(1)));
        }
        return results;
    }

    /// <summary>The largest difference between the library's probabilities and the naive ones, both in 32-bit floats.</summary>
    /// <exception cref="InvalidOperationException">It is more than rounding.</exception>
    public double Compare(IReadOnlyList<string> texts, int batch)
    {
        var expected = Classify(texts, batch);
        double difference = _library.Classify(texts).Zip(expected, (row, other) => row.Zip(other, (p, q) => Math.Abs(p - q)).Max()).Max();
        return difference <= MostDifference ? difference : throw new InvalidOperationException(FormattableString.Invariant(
            $"The library and the naive way disagree: the probabilities by {difference:0.0e+0} (at most {MostDifference:0e+0}); one of them is wrong."));
    }

    public void Dispose()
    {
        _library.Dispose();
        _backbone.Dispose();
    }
}
