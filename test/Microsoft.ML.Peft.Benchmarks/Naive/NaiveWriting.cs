using System.Diagnostics;
using Microsoft.ML.Peft.Backbones;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks.Naive;

/// <summary>The naive way beside a measurement of writing, with the same soft prompt.</summary>
internal sealed class NaiveWriting : IDisposable
{
    private const double MostDifference = 1e-4;

    private readonly PretrainedModel _backbone;
    private readonly NaiveDecoder _model;
    private readonly Tensor _start;
    private readonly bool _isPrefix;
    private readonly NaivePrompt _prompt;

    /// <param name="backbone">The frozen model in 32-bit floats, this object's from now on.</param>
    /// <param name="start">The soft prompt in the layout of Hugging Face's files `[P, …]`.</param>
    /// <param name="isPrefix">Whether it is a prefix.</param>
    public NaiveWriting(PretrainedModel backbone, Tensor start, bool isPrefix)
    {
        _backbone = backbone;
        _model = NaiveModel.Of(_backbone) as NaiveDecoder
            ?? throw new NotSupportedException($"The naive way writes with decoders, not with '{backbone.Configuration.ModelType}'.");
        _start = start.clone().DetachFromDisposeScope();
        _isPrefix = isPrefix;
        _prompt = NaivePrompt.Of(_start, isPrefix);
    }

    /// <summary>The naive way with a trained model's adapter.</summary>
    public static NaiveWriting Of(PeftModel trained, PretrainedModel backbone, bool isPrefix)
    {
        using var adapter = ReloadedAdapter.Of(trained, backbone);
        return new NaiveWriting(backbone, adapter.PromptEmbeddings, isPrefix);
    }

    /// <summary>The prompt as the library takes it.</summary>
    public static Prompt Prepare(LanguageModel model, Tensor start, bool isPrefix)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var shape = model.Configuration;
        return model.Prepare(isPrefix ? Prompt.FromPrefix(start, shape.Layers, shape.KeyValueHeads) : Prompt.FromEmbeddings(start)).Bake(model.Type);
    }

    /// <summary>Starts to write on texts.</summary>
    public NaiveGenerator Read(IReadOnlyList<IReadOnlyList<int>> texts) => new(_model, _prompt, texts);

    /// <summary>Writes until every text has ended or is as long as asked for; ended ones stay in the batch.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Write(IReadOnlyList<IReadOnlyList<int>> texts, int newTokens, IReadOnlySet<int> endIds)
    {
        using var generator = Read(texts);
        var written = texts.Select(_ => new List<int>()).ToList();
        var ended = new bool[texts.Count];
        for (int step = 0; ; step++)
        {
            var tokens = generator.Likeliest();
            for (int row = 0; row < ended.Length; row++)
            {
                if (!ended[row])
                    written[row].Add(tokens[row]);
                ended[row] |= endIds.Contains(tokens[row]);
            }
            if (step == newTokens - 1 || !ended.Contains(false))
                return written;
            generator.Append(tokens);
        }
    }

    /// <summary>The seconds that the first token takes, and those that the others take.</summary>
    public (double First, double Later) Measure(IReadOnlyList<IReadOnlyList<int>> texts, int newTokens)
    {
        long start = Stopwatch.GetTimestamp();
        using var generator = Read(texts);
        var tokens = generator.Likeliest();
        long written = Stopwatch.GetTimestamp();
        for (int i = 1; i < newTokens; i++)
        {
            generator.Append(tokens);
            tokens = generator.Likeliest();
        }
        return (Stopwatch.GetElapsedTime(start, written).TotalSeconds, Stopwatch.GetElapsedTime(written).TotalSeconds);
    }

    /// <summary>How far the library's logits of the first token lie from the naive ones, both in 32-bit floats, relative to the largest.</summary>
    /// <exception cref="InvalidOperationException">It is more than rounding.</exception>
    public double Compare(IReadOnlyList<IReadOnlyList<int>> texts)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var model = (LanguageModel)_backbone.Frozen.Backbone;
        using var prompt = Prepare(model, _start, _isPrefix);
        using var rows = model.Begin(texts, prompt, maxNewTokens: 1);
        using var generator = Read(texts);
        double difference = rows.Logits.sub(generator.Logits).abs().max().item<float>() / generator.Logits.abs().max().item<float>();
        return difference <= MostDifference ? difference : throw new InvalidOperationException(FormattableString.Invariant(
            $"The library and the naive way disagree: the first token's logits by {difference:0.0e+0} (at most {MostDifference:0e+0}); one of them is wrong."));
    }

    public void Dispose()
    {
        _start.Dispose();
        _backbone.Dispose();
    }
}
