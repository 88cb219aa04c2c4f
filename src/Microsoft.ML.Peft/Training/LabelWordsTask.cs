using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>Classification by label words: nothing but the soft prompt is trained, by the cross-entropy of the classes' scores.</summary>
internal sealed class LabelWordsTask : TrainingTask
{
    private readonly Backbone _transformer;
    private readonly SoftPrompt _softPrompt;
    private readonly LabelWords _words;
    private readonly PredictionTask _task;
    private readonly TokenizedRows _train;
    private readonly TokenizedRows? _validation;
    private readonly double _labelSmoothing;

    /// <param name="transformer">The frozen language model.</param>
    /// <param name="softPrompt">What is trained; the task's from now on.</param>
    /// <param name="words">What scores the classes; the task's from now on.</param>
    /// <param name="task">Multiclass or binary.</param>
    /// <param name="train">The training rows, in their template.</param>
    /// <param name="validation">The validation rows, or null.</param>
    /// <param name="learningRate">The soft prompt's highest learning rate.</param>
    /// <param name="labelSmoothing">The part of each target that is spread over all classes.</param>
    public LabelWordsTask(
        Backbone transformer, SoftPrompt softPrompt, LabelWords words, PredictionTask task, TokenizedRows train, TokenizedRows? validation,
        double learningRate, double labelSmoothing)
    {
        (_transformer, _softPrompt, _words, _task, _train, _validation, _labelSmoothing) = (transformer, softPrompt, words, task, train, validation, labelSmoothing);
        RowLengths = [.. train.Texts.Select(text => text.Ids.Count)];
        Groups = [new ParameterGroup("soft_prompt", softPrompt.Parameters, learningRate, nameof(TrainingSettings.LearningRate))];
    }

    /// <summary>What scores are multiplied by; 1 until training has ended.</summary>
    public double Scale { get; private set; } = 1;

    public override IReadOnlyList<int> RowLengths { get; }

    public override IReadOnlyList<ParameterGroup> Groups { get; }

    public override Generator? Generator => _softPrompt.Generator;

    public override bool HasValidation => _validation is not null;

    public override string MetricName => TaskLoss.MetricName(_task);

    public override Backbone Backbone => _transformer;

    public override SoftPrompt SoftPrompt => _softPrompt;

    public override Tensor Loss(int[] rows, Prompt prompt)
    {
        var (batch, labels) = _train.Batch(rows, _transformer);
        return TaskLoss.Loss(_task, _words.Score(_transformer, batch, prompt), labels, _labelSmoothing);
    }

    public override ValidationResult Validate(Action checkCancelled) => new(TaskLoss.Metric(_task, Score(checkCancelled), _validation!.Labels));

    /// <summary>The linear probe, on the last token of what the language model reads.</summary>
    public override double Baseline(Action checkCancelled) => LinearProbe.Evaluate(
        _transformer, Pooling.HuggingFace, HeadLayout.Decoder, _task, _words.Classes, _train, _validation!, checkCancelled);

    /// <summary>Calibrates the probabilities.</summary>
    public override void Finish(Action checkCancelled)
    {
        if (_validation is not null)
            Scale = Calibration.InverseTemperature(Score(checkCancelled), _validation.Labels);
    }

    public override TrainingHistory History(IReadOnlyList<TrainingEpoch> epochs, int bestEpoch, ValidationResult? best, double? baseline) => new()
    {
        Epochs = epochs,
        BestEpoch = bestEpoch,
        MetricName = MetricName,
        ValidationMetric = best?.Metric,
        ProbeValidationMetric = baseline,
    };

    public override void Dispose()
    {
        _softPrompt.Dispose();
        _words.Dispose();
    }

    private float[] Score(Action checkCancelled)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var scores = new float[_validation!.Count * _words.Classes];
        Scorer.Run(_transformer, _softPrompt.Forward(), _validation.Texts, _words.Score, _words.Classes, scores, checkCancelled);
        return scores.All(float.IsFinite) ? scores : throw Diverged("scores of the validation rows are not finite");
    }
}
