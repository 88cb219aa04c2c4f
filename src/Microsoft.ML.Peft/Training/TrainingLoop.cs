using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.Peft.Inference;
using static System.FormattableString;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>Epochs of AdamW steps with validation after each; the best epoch is kept, the start included.</summary>
internal sealed class TrainingLoop(
    Trainee trainee, PredictionTask task, TokenizedRows train, TokenizedRows? validation, TrainingSettings settings,
    double learningRate, TrainingObserver observer, Random random)
{
    private const int LeastSteps = 300;
    private const int UsualEpochs = 5;
    private const int LeastPatience = 3;

    private readonly BatchSampler _sampler = new([.. train.Texts.Select(text => text.Ids.Count)], settings.BatchSize, random);
    private readonly List<TrainingEpoch> _epochs = [];
    private readonly Stopwatch _clock = new();
    private int _step;
    private int _examples;

    private int Epochs => settings.MaxEpochs ?? Math.Max(UsualEpochs, (LeastSteps + _sampler.BatchesPerEpoch - 1) / _sampler.BatchesPerEpoch);

    /// <summary>By default a third of all epochs: where rows are few, epochs are short and their metrics noisy.</summary>
    private int Patience => settings.Patience ?? Math.Max(LeastPatience, (Epochs + 2) / 3);

    private int Steps => Epochs * _sampler.BatchesPerEpoch;

    /// <summary>Trains; afterwards the trainee holds the best epoch's values.</summary>
    public TrainingHistory Run(double? probeMetric)
    {
        double? best = Validate();
        int bestEpoch = 0;
        IReadOnlyList<Tensor>? bestValues = validation is null ? null : trainee.Snapshot();
        try
        {
            using var optimizer = new AdamWOptimizer(trainee, learningRate, settings.HeadLearningRate, settings.WeightDecay, settings.MaxGradientNorm);
            for (int epoch = 1; epoch <= Epochs; epoch++)
            {
                var record = RunEpoch(epoch, optimizer);
                _epochs.Add(record);
                Log(record, best);
                // Of two equally good epochs the later one saw more data at a smaller learning rate.
                if (record.ValidationMetric is { } metric && !(metric < best))
                {
                    (best, bestEpoch) = (metric, epoch);
                    Free(bestValues);
                    bestValues = trainee.Snapshot();
                }
                else if (validation is not null && epoch - bestEpoch >= Patience)
                {
                    observer.Log(Invariant($"Stopped early: no better {TaskLoss.MetricName(task)} than {best:0.0000} since epoch {bestEpoch}."));
                    break;
                }
            }
            if (bestValues is not null)
                trainee.Restore(bestValues);
            if (!trainee.IsFinite())
                throw Diverged($"the soft prompt or the head is not finite after step {_step}");
            if (validation is not null && task != PredictionTask.Regression)
                Calibration.Apply(trainee.Head, Score(validation), validation.Labels);
        }
        finally
        {
            Free(bestValues);
        }
        return new TrainingHistory
        {
            Epochs = _epochs,
            BestEpoch = validation is null ? _epochs.Count : bestEpoch,
            MetricName = TaskLoss.MetricName(task),
            ValidationMetric = best,
            ProbeValidationMetric = probeMetric,
        };
    }

    private TrainingEpoch RunEpoch(int epoch, AdamWOptimizer optimizer)
    {
        long start = Stopwatch.GetTimestamp();
        _clock.Start();
        double lossSum = 0;
        long tokens = 0;
        int examples = 0;
        foreach (int[] rows in _sampler.NextEpoch())
        {
            observer.CheckCancelled();
            lossSum += Step(rows, optimizer, epoch) * rows.Length;
            examples += rows.Length;
            _examples += rows.Length;
            tokens += rows.Sum(row => train.Texts[row].Ids.Count);
            Report(epoch, lossSum / examples);
        }
        _clock.Stop();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double rate = learningRate * Schedule.Factor(settings.Schedule, _step, Steps, settings.WarmUpFraction);
        return new TrainingEpoch(epoch, lossSum / examples, Validate(), rate, seconds, examples / seconds, tokens / seconds);
    }

    private double Step(int[] rows, AdamWOptimizer optimizer, int epoch)
    {
        using var scope = NewDisposeScope();
        var (batch, labels) = train.Batch(rows, trainee.Backbone);
        var loss = TaskLoss.Loss(task, trainee.Forward(batch), labels, settings.LabelSmoothing);
        double value = loss.item<float>();
        if (!double.IsFinite(value))
            throw Diverged($"the loss became {value} in epoch {epoch}, step {_step + 1}");
        optimizer.Step(loss, Schedule.Factor(settings.Schedule, _step, Steps, settings.WarmUpFraction));
        _step++;
        return value;
    }

    private double? Validate()
    {
        if (validation is null)
            return null;
        float[] scores = Score(validation);
        double metric = TaskLoss.Metric(task, scores, validation.Labels);
        return double.IsFinite(metric) ? metric : throw new InvalidOperationException(
            $"The validation metric {TaskLoss.MetricName(task)} is {metric}: the validation rows' labels are all the same, or the outputs are not finite; " +
            "give another validation set, or a lower LearningRate.");
    }

    private float[] Score(TokenizedRows rows)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var prompt = trainee.SoftPrompt.Forward();
        var scores = new float[rows.Count * trainee.Head.Outputs];
        Scorer.Run(trainee.Backbone, prompt, rows.Texts, trainee.Head.Forward, trainee.Head.Outputs, scores, observer.CheckCancelled);
        return scores.All(float.IsFinite) ? scores : throw Diverged($"outputs on the validation rows are not finite after step {_step}");
    }

    private InvalidOperationException Diverged(string how) => new(string.Create(CultureInfo.InvariantCulture,
        $"Training diverged: {how}. " +
        $"Use a lower LearningRate than {learningRate} or a lower HeadLearningRate than {settings.HeadLearningRate}, or Precision.Float32."));

    private void Report(int epoch, double loss)
    {
        double seconds = _clock.Elapsed.TotalSeconds;
        var remaining = TimeSpan.FromSeconds(seconds / _step * (Steps - _step));
        observer.Progress(new TrainingProgress(
            epoch, Epochs, _step, Steps, loss, _epochs.LastOrDefault()?.ValidationMetric, _examples / seconds, remaining));
    }

    private void Log(TrainingEpoch epoch, double? best)
    {
        var remaining = TimeSpan.FromSeconds(_clock.Elapsed.TotalSeconds / _step * (Steps - _step));
        string metric = epoch.ValidationMetric is { } value
            ? Invariant($", validation {TaskLoss.MetricName(task)} {value:0.0000}{(value > best ? " (best)" : "")}")
            : "";
        observer.Log(Invariant(
            $"Epoch {epoch.Epoch}/{Epochs}: loss {epoch.TrainingLoss:0.0000}{metric}, {epoch.ExamplesPerSecond:0} examples/s, ETA {(int)remaining.TotalMinutes:00}:{remaining.Seconds:00}"));
    }

    private static void Free(IReadOnlyList<Tensor>? values)
    {
        foreach (var value in values ?? [])
            value.Dispose();
    }
}
