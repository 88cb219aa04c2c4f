using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>Trains soft prompts on frozen models that all trials share.</summary>
/// <param name="task">What they learn.</param>
/// <param name="metric">What the search optimises.</param>
/// <param name="models">The frozen models.</param>
/// <param name="optionsOf">All options of a configuration's trial with its seed.</param>
/// <param name="baselineOptions">The options that a frozen model's baseline is tokenised and pooled with.</param>
/// <param name="saveModel">Writes a trained model as ML.NET does.</param>
/// <param name="threads">The threads that trials share.</param>
internal sealed class SoftPromptTrialRunner(
    TrialTask task, Metric metric, SharedModels models, Func<Configuration, int, SoftPromptOptions> optionsOf, Func<string, SoftPromptOptions> baselineOptions,
    Action<Stream, PeftModel, TrainingHistory, SoftPromptOptions> saveModel, ThreadShare threads) : ITrialRunner
{
    public TrialReport RunBaseline(string model, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var options = baselineOptions(model);
        using var backbone = models.Use(model, options.Precision, cancellationToken);
        var parts = Enumerable.Range(0, task.Folds).Select(fold => task.Baseline(backbone, options, fold, cancellationToken.ThrowIfCancellationRequested));
        var mean = Evaluation.Mean([.. parts]);
        return new TrialReport(0, mean.Metrics, 0, 0, mean.MillisecondsPerText);
    }

    public TrialReport Run(TrialRequest request, Action<PeftEpoch> epochDone, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var options = optionsOf(request.Configuration, request.Seed);
        using var backbone = models.Use(options.Model, options.Precision, cancellationToken);
        var trainings = new List<(SoftPromptTrainer Trainer, string Checkpoint)>();
        try
        {
            for (int fold = 0; fold < task.Folds; fold++)
                trainings.Add(Prepare(request, options, backbone, fold, cancellationToken));
            Train(trainings, request.Epochs, epochDone);
            return Finish(trainings, request, options, cancellationToken);
        }
        finally
        {
            trainings.ForEach(training => training.Trainer.Dispose());
        }
    }

    public long Refit(RefitRequest request, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        threads.GiveAll();
        var options = optionsOf(request.Configuration, request.Seed);
        using var backbone = models.Use(options.Model, options.Precision, cancellationToken);
        using var trainer = task.CreateRefit(backbone, options, request.Report.InverseTemperature, cancellationToken.ThrowIfCancellationRequested);
        if (TrainingCheckpoint.ExistsIn(request.CheckpointDirectory))
            trainer.Resume(request.CheckpointDirectory);
        while (trainer.Session.Epochs.Count < request.Report.WorthwhileEpochs)
        {
            trainer.Session.RunEpoch();
            trainer.Save(request.CheckpointDirectory);
        }
        var (model, history) = trainer.Finish();
        using (model)
            Save(request.ResultDirectory, model, history, options);
        return SizeOf(Path.Combine(request.ResultDirectory, TrialRequest.AdapterName));
    }

    /// <summary>A new training, or the one that was interrupted.</summary>
    private (SoftPromptTrainer Trainer, string Checkpoint) Prepare(
        TrialRequest request, SoftPromptOptions options, PretrainedModel backbone, int fold, CancellationToken cancellationToken)
    {
        string checkpoint = Path.Combine(request.CheckpointDirectory, FormattableString.Invariant($"fold-{fold}"));
        var trainer = task.CreateTrainer(backbone, options, fold, cancellationToken.ThrowIfCancellationRequested);
        if (!TrainingCheckpoint.ExistsIn(checkpoint))
            return (trainer, checkpoint);
        trainer.Resume(checkpoint);
        if (trainer.Session.Epochs.Count <= request.Epochs)
            return (trainer, checkpoint);
        // Left by a course of events that the log has lost: what it says about earlier epochs cannot be had back but by training them.
        trainer.Dispose();
        return (task.CreateTrainer(backbone, options, fold, cancellationToken.ThrowIfCancellationRequested), checkpoint);
    }

    /// <summary>Epoch by epoch, all parts alike; each epoch is on the disk before it is reported.</summary>
    private static void Train(List<(SoftPromptTrainer Trainer, string Checkpoint)> trainings, int epochs, Action<PeftEpoch> epochDone)
    {
        for (int epoch = 1; epoch <= epochs; epoch++)
        {
            foreach (var (trainer, checkpoint) in trainings.Where(training => !training.Trainer.Session.Ended && training.Trainer.Session.Epochs.Count < epoch))
            {
                trainer.Session.RunEpoch();
                trainer.Save(checkpoint);
            }
            var trained = trainings.Select(training => training.Trainer.Session.Epochs).Where(done => done.Count >= epoch).Select(done => done[epoch - 1]).ToList();
            if (trained.Count == 0)
                break;
            epochDone(new PeftEpoch(epoch, trained.Average(e => e.TrainingLoss), trained.Average(e => e.ValidationMetric), trained.Sum(e => e.Seconds)));
        }
    }

    /// <summary>Judges the best epoch of each part, and keeps the model of the best part.</summary>
    private TrialReport Finish(
        List<(SoftPromptTrainer Trainer, string Checkpoint)> trainings, TrialRequest request, SoftPromptOptions options, CancellationToken cancellationToken)
    {
        int epochs = trainings.Max(training => training.Trainer.Session.Epochs.Count);
        double seconds = trainings.Sum(training => training.Trainer.Session.Epochs.Sum(epoch => epoch.Seconds));
        var parts = new List<Evaluation>();
        var temperatures = new List<double>();
        for (int fold = 0; fold < trainings.Count; fold++)
        {
            var (model, history) = trainings[fold].Trainer.Finish();
            using (model)
            {
                var part = task.Evaluate(model, history, options, fold, cancellationToken);
                if (fold == 0 || Score(part) > parts.Max(Score))
                    Save(request.ResultDirectory, model, history, options);
                parts.Add(part);
                temperatures.Add(history.InverseTemperature);
            }
        }
        var mean = Evaluation.Mean(parts);
        return new TrialReport(epochs, mean.Metrics, seconds, SizeOf(Path.Combine(request.ResultDirectory, TrialRequest.AdapterName)), mean.MillisecondsPerText)
        {
            WorthwhileEpochs = (int)Math.Round(trainings.Average(training => WorthwhileEpochs(training.Trainer.Session))),
            InverseTemperature = temperatures.Average(),
        };
    }

    /// <summary>A training that stopped early had its best behind it; one that did not is worth its whole schedule, also if it was only paused.</summary>
    private static int WorthwhileEpochs(TrainingSession session)
        => session.Ended && session.Epochs.Count < session.MaxEpochs ? Math.Max(1, session.BestEpoch) : session.MaxEpochs;

    private void Save(string directory, PeftModel model, TrainingHistory history, SoftPromptOptions options)
    {
        Directory.CreateDirectory(directory);
        model.Save(Path.Combine(directory, TrialRequest.AdapterName));
        AtomicFile.Write(Path.Combine(directory, TrialRequest.ModelName), stream => saveModel(stream, model, history, options));
    }

    private double Score(Evaluation part) => metric.Score(part.Metrics[metric.Name]);

    private static long SizeOf(string directory) => new DirectoryInfo(directory).EnumerateFiles().Sum(file => file.Length);
}
