using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>Classification and regression: a head over the hidden states is trained along with the soft prompt.</summary>
internal sealed class HeadTask : TrainingTask
{
    private readonly Trainee _trainee;
    private readonly PredictionTask _task;
    private readonly TokenizedRows _train;
    private readonly TokenizedRows? _validation;
    private readonly LabelScale _scale;
    private readonly double _labelSmoothing;
    private double _inverseTemperature;

    /// <param name="trainee">What is trained; the task's from now on.</param>
    /// <param name="task">What the head predicts.</param>
    /// <param name="train">The training rows, labels as they were given.</param>
    /// <param name="validation">The validation rows, or null.</param>
    /// <param name="learningRate">The soft prompt's highest learning rate.</param>
    /// <param name="settings">The head's learning rate, the label smoothing, and the calibration where there are no validation rows.</param>
    public HeadTask(Trainee trainee, PredictionTask task, TokenizedRows train, TokenizedRows? validation, double learningRate, TrainingSettings settings)
    {
        _trainee = trainee;
        _task = task;
        _scale = task == PredictionTask.Regression ? LabelScale.Of(train.Labels, trainee.Head.OutputBias is not null) : LabelScale.None;
        _train = train with { Labels = _scale.Standardize(train.Labels) };
        _validation = validation is null ? null : validation with { Labels = _scale.Standardize(validation.Labels) };
        _labelSmoothing = settings.LabelSmoothing;
        _inverseTemperature = settings.InverseTemperature;
        RowLengths = [.. train.Texts.Select(text => text.Ids.Count)];
        Groups =
        [
            new ParameterGroup("soft_prompt", trainee.SoftPrompt.Parameters, learningRate, nameof(settings.LearningRate)),
            new ParameterGroup("head", trainee.Head.Parameters, settings.HeadLearningRate, nameof(settings.HeadLearningRate)),
        ];
    }

    public override IReadOnlyList<int> RowLengths { get; }

    public override IReadOnlyList<ParameterGroup> Groups { get; }

    public override Generator? Generator => _trainee.SoftPrompt.Generator;

    public override bool HasValidation => _validation is not null;

    public override string MetricName => TaskLoss.MetricName(_task);

    /// <summary>Makes a head that predicts labels as they were given, of another training, learn on as this one's does.</summary>
    public void StandardizeHead() => _scale.Apply(_trainee.Head);

    public override Backbone Backbone => _trainee.Backbone;

    public override SoftPrompt SoftPrompt => _trainee.SoftPrompt;

    public override Tensor Loss(int[] rows, Prompt prompt)
    {
        var (batch, labels) = _train.Batch(rows, _trainee.Backbone);
        return TaskLoss.Loss(_task, _trainee.Head.Forward(Backbone, batch, prompt), labels, _labelSmoothing);
    }

    public override ValidationResult Validate(Action checkCancelled)
    {
        double metric = TaskLoss.Metric(_task, Score(_validation!, checkCancelled), _validation!.Labels);
        return double.IsFinite(metric) ? new ValidationResult(metric) : throw new InvalidOperationException(
            $"The validation metric {MetricName} is {metric}: the validation rows' labels are all the same, or the outputs are not finite; " +
            "give another validation set, or a lower LearningRate.");
    }

    /// <summary>The linear probe.</summary>
    public override double Baseline(Action checkCancelled) => LinearProbe.Evaluate(
        _trainee.Backbone, _trainee.Head.Pooling, _trainee.Head.Layout, _task, _trainee.Head.Outputs, _train, _validation!, checkCancelled);

    /// <summary>Calibrates the probabilities, or gives the values their own scale again.</summary>
    public override void Finish(Action checkCancelled)
    {
        if (_task != PredictionTask.Regression)
        {
            if (_validation is not null)
                _inverseTemperature = Calibration.InverseTemperature(Score(_validation, checkCancelled), _validation.Labels);
            Calibration.Apply(_trainee.Head, _inverseTemperature);
        }
        _scale.Restore(_trainee.Head);
    }

    public override TrainingHistory History(IReadOnlyList<TrainingEpoch> epochs, int bestEpoch, ValidationResult? best, double? baseline) => new()
    {
        Epochs = epochs,
        BestEpoch = bestEpoch,
        MetricName = MetricName,
        ValidationMetric = best?.Metric,
        ProbeValidationMetric = baseline,
        InverseTemperature = _inverseTemperature,
    };

    public override void Dispose() => _trainee.Dispose();

    private float[] Score(TokenizedRows rows, Action checkCancelled)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var prompt = _trainee.SoftPrompt.Forward();
        var scores = new float[rows.Count * _trainee.Head.Outputs];
        Scorer.Run(_trainee.Backbone, prompt, rows.Texts, _trainee.Head.Forward, _trainee.Head.Outputs, scores, checkCancelled);
        return scores.All(float.IsFinite) ? scores : throw Diverged("outputs on the validation rows are not finite");
    }
}
