using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Estimators;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>Classification and regression; the linear probe on the frozen embeddings is the baseline.</summary>
/// <param name="shape">What is predicted.</param>
/// <param name="folds">The training and the validation rows of each part.</param>
internal sealed class HeadTrialTask(PredictionShape shape, IReadOnlyList<(LabeledTexts Train, LabeledTexts Validation)> folds) : TrialTask
{
    private readonly TokenCache<(TokenizedRows Train, TokenizedRows Validation)> _tokens = new(Longest);
    private readonly ConcurrentDictionary<string, Lazy<float[]>> _probes = new();

    public override string BaselineName => "linear probe";

    public override int Folds => folds.Count;

    public override int TrainingRows => (int)folds.Average(fold => fold.Train.Count);

    public override string Fingerprint => RowsHash.Of(folds.SelectMany(fold => new[] { fold.Train, fold.Validation }), (rows, add) =>
    {
        for (int row = 0; row < rows.Count; row++)
            add([rows.Texts[row], rows.SecondTexts?[row] ?? "", FormattableString.Invariant($"{rows.Labels[row]:R}")]);
    });

    protected override (int Epochs, int Steps, int Batch) Length
        => (TrainingSettings.HeadLength.Epochs, TrainingSettings.HeadLength.LeastSteps, TrainingSettings.HeadBatchSize);

    public override SoftPromptTrainer CreateTrainer(PretrainedModel backbone, SoftPromptOptions options, int fold, Action checkCancelled)
    {
        var settings = Settings(options);
        var rows = Tokens(backbone, options, fold, checkCancelled);
        var (method, observer, random) = (options.ToMethodSettings(), Quiet(checkCancelled), new Random(settings.Seed));
        var trainer = settings.LabelWords is null
            ? new SoftPromptTrainer(backbone, method, shape.Task, shape.Outputs, rows.Train, rows.Validation, settings, observer, random)
            : LabelWordsTrainer.Create(backbone, method, shape.Task, rows.Train, rows.Validation, settings, observer, random);
        trainer.Session.Baseline = TaskLoss.Metric(shape.Task, Probe(backbone, options, fold, checkCancelled), folds[fold].Validation.Labels);
        return trainer;
    }

    public override SoftPromptTrainer CreateRefit(PretrainedModel backbone, SoftPromptOptions options, double inverseTemperature, Action checkCancelled)
    {
        var settings = Settings(options) with { InverseTemperature = inverseTemperature };
        var (train, validation) = Tokens(backbone, options, 0, checkCancelled);
        return new SoftPromptTrainer(
            backbone, options.ToMethodSettings(), shape.Task, shape.Outputs, train.Concat(validation), null, settings, Quiet(checkCancelled), new Random(settings.Seed));
    }

    public override Evaluation Baseline(PretrainedModel backbone, SoftPromptOptions options, int fold, Action checkCancelled)
    {
        long start = Stopwatch.GetTimestamp();
        float[] scores = Probe(backbone, options, fold, checkCancelled);
        int rows = folds[fold].Train.Count + folds[fold].Validation.Count;
        return new Evaluation(Metrics(scores, fold), Stopwatch.GetElapsedTime(start).TotalMilliseconds / rows);
    }

    public override Evaluation Evaluate(PeftModel model, TrainingHistory history, SoftPromptOptions options, int fold, CancellationToken cancellationToken)
    {
        var rows = folds[fold].Validation;
        var scores = new float[rows.Count * shape.Outputs];
        long start = Stopwatch.GetTimestamp();
        model.Score([.. rows.Texts], rows.SecondTexts is { } second ? [.. second] : [], scores);
        return new Evaluation(Metrics(scores, fold), Stopwatch.GetElapsedTime(start).TotalMilliseconds / rows.Count);
    }

    private TrainingSettings Settings(SoftPromptOptions options)
    {
        var settings = options.ToTrainingSettings(options.Seed!.Value, SoftPromptFit.LabelNames(shape));
        return settings.LabelWords is null ? settings : LabelWordsTrainer.WithTemplate(settings, folds[0].Train);
    }

    private (TokenizedRows Train, TokenizedRows Validation) Tokens(PretrainedModel backbone, SoftPromptOptions options, int fold, Action checkCancelled)
    {
        var settings = Settings(options);
        var method = options.ToMethodSettings();
        return _tokens.Get(Key(backbone, settings, fold), SoftPromptTrainer.MaxTokens(backbone, method, settings), () =>
        {
            var (given, held) = folds[fold];
            var (observer, random) = (Quiet(checkCancelled), new Random(settings.Seed));
            var (train, validation) = settings.LabelWords is null
                ? SoftPromptTrainer.Tokenize(backbone, method, shape.Task, given, held, settings, observer, random)
                : LabelWordsTrainer.Tokenize(backbone, method, shape.Task, given, held, settings, observer, random);
            return (train, validation!);
        });
    }

    /// <summary>Label words are asked for behind a template, which a head does not read.</summary>
    private static string Key(PretrainedModel backbone, TrainingSettings settings, int fold)
        => $"{backbone.Directory}/{fold}/{(settings.LabelWords is null ? null : settings.PromptTemplate)}";

    /// <summary>The probe's outputs on the validation rows in the labels' own scale, computed once.</summary>
    private float[] Probe(PretrainedModel backbone, SoftPromptOptions options, int fold, Action checkCancelled)
    {
        // Label words are scored at the last token.
        var pooling = options.Head == ClassificationHead.LabelWords ? Pooling.HuggingFace : options.Pooling == Pooling.Auto ? backbone.Frozen.Pooling : options.Pooling;
        string key = $"{Key(backbone, Settings(options), fold)}/{backbone.Precision}/{pooling}/{options.MaxTokens}";
        var probe = _probes.GetOrAdd(key, _ => new Lazy<float[]>(() => ComputeProbe(backbone, options, pooling, fold, checkCancelled)));
        try
        {
            return probe.Value;
        }
        catch
        {
            // What was cancelled or failed for one trial need not be so for the next.
            _probes.TryRemove(new(key, probe));
            throw;
        }
    }

    private float[] ComputeProbe(PretrainedModel backbone, SoftPromptOptions options, Pooling pooling, int fold, Action checkCancelled)
    {
        var (train, validation) = Tokens(backbone, options, fold, checkCancelled);
        var layout = Adapter.Layout(pooling, backbone.Frozen);
        var scale = shape.Task == PredictionTask.Regression ? LabelScale.Of(train.Labels, centered: true) : LabelScale.None;
        float[] scores = LinearProbe.Score(
            backbone.Frozen.Backbone, pooling, layout, shape.Task, shape.Outputs, train with { Labels = scale.Standardize(train.Labels) }, validation, checkCancelled);
        return Array.ConvertAll(scores, score => (float)(score * scale.Deviation + scale.Mean));
    }

    private Dictionary<string, double> Metrics(float[] scores, int fold) => shape.Task switch
    {
        PredictionTask.Regression => RegressionMetrics.Of(scores, folds[fold].Validation.Labels),
        PredictionTask.Binary => ClassificationMetrics.OfTwo(scores, folds[fold].Validation.Labels),
        _ => ClassificationMetrics.OfMany(scores, shape.Outputs, folds[fold].Validation.Labels),
    };

    private static int? Longest((TokenizedRows Train, TokenizedRows Validation) rows)
        => rows.Train.Truncated + rows.Validation.Truncated > 0 ? null : rows.Train.Texts.Concat(rows.Validation.Texts).Max(text => text.Ids.Count);
}
