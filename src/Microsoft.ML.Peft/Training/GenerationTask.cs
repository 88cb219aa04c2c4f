using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>
/// Generation: the frozen language model learns nothing but a soft prompt, by the cross-entropy of the tokens to write, end token
/// included. The prompt's own tokens have no part in the loss.
/// </summary>
internal sealed class GenerationTask : TrainingTask
{
    /// <summary>Held-out rows that are written after each epoch: writing takes long, and so many show whether it works.</summary>
    private const int WrittenRows = 16;
    private const int MostWrittenTokens = 64;
    private const int ValidationBatch = 16;

    private readonly PretrainedModel _backbone;
    private readonly LanguageModel _model;
    private readonly SoftPrompt _softPrompt;
    private readonly IReadOnlyList<GenerationRow> _train;
    private readonly IReadOnlyList<GenerationRow> _validation;
    private readonly IReadOnlyList<GenerationRow> _written;
    private readonly GenerationOptions _writing;

    /// <param name="backbone">The frozen language model; it stays the caller's.</param>
    /// <param name="softPrompt">What is trained; the task's from now on.</param>
    /// <param name="virtualTokens">Its length P.</param>
    /// <param name="train">The training rows.</param>
    /// <param name="validation">The validation rows, or null.</param>
    /// <param name="learningRate">The soft prompt's highest learning rate.</param>
    /// <param name="options">How texts will be written: validation writes greedily, and not more than a few tokens.</param>
    public GenerationTask(
        PretrainedModel backbone, SoftPrompt softPrompt, int virtualTokens, IReadOnlyList<GenerationRow> train, IReadOnlyList<GenerationRow>? validation,
        double learningRate, GenerationOptions options)
    {
        _backbone = backbone;
        _model = (LanguageModel)backbone.Frozen.Backbone;
        _softPrompt = softPrompt;
        _train = train;
        _validation = validation ?? [];
        int tokens = Math.Min(options.MaxNewTokens, MostWrittenTokens);
        int room = backbone.Configuration.MaxPositions - virtualTokens - tokens;
        var fitting = _validation.Where(row => row.Prompt.Ids.Count <= room).ToList();
        int step = Math.Max(1, fitting.Count / WrittenRows);
        _written = [.. fitting.Where((_, row) => row % step == 0).Take(WrittenRows)];
        _writing = options with { Temperature = 0, Beams = 1, MaxNewTokens = tokens, MinNewTokens = Math.Min(options.MinNewTokens, tokens) };
        RowLengths = [.. train.Select(row => row.Length)];
        Groups = [new ParameterGroup("soft_prompt", softPrompt.Parameters, learningRate, nameof(TrainingSettings.LearningRate))];
    }

    public override IReadOnlyList<int> RowLengths { get; }

    public override IReadOnlyList<ParameterGroup> Groups { get; }

    public override Generator? Generator => _softPrompt.Generator;

    public override (int Epochs, int LeastSteps) UsualLength => TrainingSettings.LanguageModelLength;

    public override bool HasValidation => _validation.Count > 0;

    public override string MetricName => "Loss";

    public override bool LowerIsBetter => true;

    public override Backbone Backbone => _model;

    public override SoftPrompt SoftPrompt => _softPrompt;

    public override Tensor Loss(int[] rows, Prompt prompt) => LossOf([.. rows.Select(row => _train[row])], prompt);

    public override double Weight(int[] rows) => rows.Sum(row => _train[row].Target.Length);

    public override ValidationResult Validate(Action checkCancelled)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var prompt = _model.Prepare(_softPrompt.Forward());
        double loss = ValidationLoss(prompt, checkCancelled);
        return double.IsFinite(loss) ? new ValidationResult(loss, WrittenRougeL(prompt, checkCancelled)) : throw Diverged($"the loss on the validation rows is {loss}");
    }

    /// <summary>The frozen model's own loss.</summary>
    public override double Baseline(Action checkCancelled) => ValidationLoss(null, checkCancelled);

    public override TrainingHistory History(IReadOnlyList<TrainingEpoch> epochs, int bestEpoch, ValidationResult? best, double? baseline) => new()
    {
        Epochs = epochs,
        BestEpoch = bestEpoch,
        MetricName = MetricName,
        ValidationMetric = best?.Metric,
        ProbeValidationMetric = null,
        ValidationRougeL = best?.RougeL,
        BaseValidationLoss = baseline,
    };

    public override void Dispose() => _softPrompt.Dispose();

    /// <summary>The mean cross-entropy over all tokens to write, in nats.</summary>
    private Tensor LossOf(GenerationRow[] rows, Prompt? prompt)
    {
        var (batch, asking) = _model.TeacherForced([.. rows.Select(row => row.Prompt.Ids)], [.. rows.Select(row => row.Target)]);
        long[] targets = [.. rows.SelectMany(row => row.Target).Select(id => (long)id)];
        var hidden = _model.Forward(batch, prompt, tensor(asking, device: _model.Device));      // [A, D]
        // The logits [A, V] are many and wide: gone before the gradients come.
        using var scope = NewDisposeScope();
        return nn.functional.cross_entropy(_model.Logits(hidden), tensor(targets, device: _model.Device)).MoveToOuterDisposeScope();
    }

    private double ValidationLoss(Prompt? prompt, Action checkCancelled)
    {
        using var frozen = no_grad();
        double sum = 0, tokens = 0;
        foreach (var rows in _validation.OrderBy(row => row.Length).Chunk(ValidationBatch))
        {
            checkCancelled();
            using var scope = NewDisposeScope();
            int weight = rows.Sum(row => row.Target.Length);
            sum += LossOf(rows, prompt).item<float>() * weight;
            tokens += weight;
        }
        return sum / tokens;
    }

    /// <summary>The mean ROUGE-L of some validation rows, written greedily; null where no prompt leaves room to write.</summary>
    private double? WrittenRougeL(Prompt prompt, Action checkCancelled)
    {
        if (_written.Count == 0)
            return null;
        checkCancelled();
        var texts = new TextWriting(_backbone, prompt).WriteAlone([.. _written.Select(row => row.Prompt.Text)], _writing, CancellationToken.None);
        return texts.Zip(_written, (text, row) => RougeL.F1(text, [row.Reference])).Average();
    }
}
