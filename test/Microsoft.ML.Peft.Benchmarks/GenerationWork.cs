using Microsoft.ML.Peft.Benchmarks.Naive;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>Each label is a text to write; nothing but the soft prompt is trained.</summary>
internal sealed class GenerationWork : TrainingWork
{
    private const long Ignored = -100;

    private readonly IReadOnlyList<GenerationRow> _rows;

    private GenerationWork(MethodSettings method, TrainingSettings settings, IReadOnlyList<GenerationRow> rows)
        : base(method, settings)
    {
        _rows = rows;
        Lengths = [.. rows.Select(row => row.Length)];
    }

    public override IReadOnlyList<int> Lengths { get; }

    public static GenerationWork Create(PretrainedModel backbone, SoftPromptOptions options, IReadOnlyList<DataFile.Row> rows, int batches)
    {
        var method = options.ToMethodSettings();
        var settings = options.ToTrainingSettings(options.Seed ?? 1, null, writes: true) with { ValidationFraction = 0 };
        var texts = new TargetTexts([.. rows.Select(row => row.Text)], null, [.. rows.Select(row => row.Label)]);
        var (tokens, _) = GenerationTrainer.Tokenize(backbone, method, texts, null, settings, new TrainingObserver(_ => { }, _ => { }, () => { }), new Random(settings.Seed));
        return new GenerationWork(method, settings, [.. SampleRows([.. tokens.Select(row => row.Length)], settings, batches).Select(row => tokens[row])]);
    }

    public override Learner Start(PretrainedModel backbone)
    {
        var model = backbone.Frozen.Backbone;
        var initializer = new Initializer(Settings.Seed, model.Device);
        var source = new InitializationSource(
            model, text => backbone.Words.Encode(text).Ids, backbone.Words.SpecialIds, _rows.Select(row => (IReadOnlyList<int>)[.. row.Prompt.Ids, .. row.Target]), null);
        var softPrompt = SoftPromptFactory.Create(Method, source, initializer);
        var task = new GenerationTask(backbone, softPrompt, Method.VirtualTokens, _rows, null, GenerationTrainer.LearningRate(Method, model, Settings), Settings.Generation);
        return new Learner(task, softPrompt, null, initializer);
    }

    /// <summary>
    /// Prompt, target and end token of each row padded to the longest, logits at every position, then the mean over those whose next
    /// token is a target.
    /// </summary>
    public override Tensor NaiveLoss(NaiveModel model, Learner learner, int[] rows)
    {
        var decoder = (NaiveDecoder)model;
        var batch = NaiveBatch.Create([.. rows.Select(row => (IReadOnlyList<int>)[.. _rows[row].Prompt.Ids, .. _rows[row].Target])]);
        var hidden = decoder.Forward(batch, NaivePrompt.Of(learner.SoftPrompt, Method.VirtualTokens));
        var logits = decoder.Logits(hidden);                                                // [B, P + T, V] or [B, T, V]
        long positions = logits.size(1), before = positions - batch.Length;
        var labels = new long[rows.Length, positions];
        for (int i = 0; i < rows.Length; i++)
        {
            var row = _rows[rows[i]];
            for (int at = 0; at < positions; at++)
            {
                long next = at + 1 - before - row.Prompt.Ids.Count;
                labels[i, at] = next >= 0 && next < row.Target.Length ? row.Target[next] : Ignored;
            }
        }
        return nn.functional.cross_entropy(logits.view(-1, logits.size(2)), tensor(labels).view(-1), ignore_index: Ignored);
    }

    protected override double Row(Operations operations, int row)
    {
        int targets = _rows[row].Target.Length;
        // What follows the last token is not asked, so that it is not read.
        return operations.Row(_rows[row].Length - 1, targets) + operations.Logits(targets);
    }
}
