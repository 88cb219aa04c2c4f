using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>Generation; the frozen language model without soft prompt is the baseline.</summary>
/// <param name="folds">The training and the validation rows of each part.</param>
/// <param name="writtenRows">How many validation rows are written for ROUGE-L and the time of a prediction.</param>
internal sealed class GenerationTrialTask(IReadOnlyList<(TargetTexts Train, TargetTexts Validation)> folds, int writtenRows) : TrialTask
{
    public const string Loss = "Loss";
    public const string RougeLScore = "RougeL";

    private readonly TokenCache<(IReadOnlyList<GenerationRow> Train, IReadOnlyList<GenerationRow> Validation)> _tokens = new(Longest);
    private readonly ConcurrentDictionary<string, double> _baselines = new();

    public override string BaselineName => "frozen model";

    public override int Folds => folds.Count;

    public override int TrainingRows => (int)folds.Average(fold => fold.Train.Count);

    public override string Fingerprint => RowsHash.Of(folds.SelectMany(fold => new[] { fold.Train, fold.Validation }), (rows, add) =>
    {
        for (int row = 0; row < rows.Count; row++)
            add([rows.Texts[row], rows.SecondTexts?[row] ?? "", rows.Targets[row]]);
    });

    protected override (int Epochs, int Steps, int Batch) Length
        => (TrainingSettings.LanguageModelLength.Epochs, TrainingSettings.LanguageModelLength.LeastSteps, TrainingSettings.LanguageModelBatchSize);

    public override SoftPromptTrainer CreateTrainer(PretrainedModel backbone, SoftPromptOptions options, int fold, Action checkCancelled)
    {
        var settings = Settings(options);
        var rows = Tokens(backbone, options, fold, checkCancelled);
        var trainer = GenerationTrainer.Create(backbone, options.ToMethodSettings(), rows.Train, rows.Validation, settings, Quiet(checkCancelled), new Random(settings.Seed));
        // The frozen model's own loss is the same for all trials that tokenise alike.
        if (_baselines.TryGetValue(BaselineKey(backbone, options, fold), out double loss))
            trainer.Session.Baseline = loss;
        return trainer;
    }

    public override SoftPromptTrainer CreateRefit(PretrainedModel backbone, SoftPromptOptions options, double inverseTemperature, Action checkCancelled)
    {
        var settings = Settings(options);
        var (train, validation) = Tokens(backbone, options, 0, checkCancelled);
        return GenerationTrainer.Create(backbone, options.ToMethodSettings(), [.. train, .. validation], null, settings, Quiet(checkCancelled), new Random(settings.Seed));
    }

    public override Evaluation Baseline(PretrainedModel backbone, SoftPromptOptions options, int fold, Action checkCancelled)
    {
        var rows = Tokens(backbone, options, fold, checkCancelled).Validation;
        using var trainer = CreateTrainer(backbone, options, fold, checkCancelled);
        double loss = _baselines[BaselineKey(backbone, options, fold)] = trainer.Baseline(checkCancelled);
        return Written(new TextWriting(backbone, null), loss, rows, options, CancellationToken.None);
    }

    public override Evaluation Evaluate(PeftModel model, TrainingHistory history, SoftPromptOptions options, int fold, CancellationToken cancellationToken)
    {
        var rows = Tokens(model.Backbone, options, fold, cancellationToken.ThrowIfCancellationRequested).Validation;
        return Written(model.Writing(), history.ValidationMetric!.Value, rows, options, cancellationToken);
    }

    private Evaluation Written(
        TextWriting writing, double loss, IReadOnlyList<GenerationRow> rows, SoftPromptOptions options, CancellationToken cancellationToken)
    {
        int step = Math.Max(1, rows.Count / writtenRows);
        var chosen = rows.Where((_, row) => row % step == 0).Take(writtenRows).ToList();
        long start = Stopwatch.GetTimestamp();
        // Alone, so that trials beside this one change neither what is written nor how long it takes.
        var texts = writing.WriteAlone([.. chosen.Select(row => row.Prompt.Text)], options.Generation, cancellationToken);
        double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds / chosen.Count;
        double rouge = texts.Zip(chosen, (text, row) => RougeL.F1(text, [row.Reference])).Average();
        return new Evaluation(new Dictionary<string, double> { [Loss] = loss, [RougeLScore] = rouge }, milliseconds);
    }

    private static TrainingSettings Settings(SoftPromptOptions options) => options.ToTrainingSettings(options.Seed!.Value, null, writes: true);

    private static string BaselineKey(PretrainedModel backbone, SoftPromptOptions options, int fold) => $"{Key(backbone, options, fold)}/{backbone.Precision}/{options.MaxTokens}";

    private static string Key(PretrainedModel backbone, SoftPromptOptions options, int fold) => $"{backbone.Directory}/{fold}/{options.PromptTemplate}";

    private (IReadOnlyList<GenerationRow> Train, IReadOnlyList<GenerationRow> Validation) Tokens(PretrainedModel backbone, SoftPromptOptions options, int fold, Action checkCancelled)
    {
        var settings = Settings(options);
        var method = options.ToMethodSettings();
        return _tokens.Get(Key(backbone, options, fold), SoftPromptTrainer.MaxTokens(backbone, method, settings), () =>
        {
            var (train, validation) = GenerationTrainer.Tokenize(
                backbone, method, folds[fold].Train, folds[fold].Validation, settings, Quiet(checkCancelled), new Random(settings.Seed));
            return (train, validation!);
        });
    }

    private static int? Longest((IReadOnlyList<GenerationRow> Train, IReadOnlyList<GenerationRow> Validation) rows)
        => rows.Train.Concat(rows.Validation).Any(row => row.Prompt.Truncated || row.TargetTruncated) ? null : rows.Train.Concat(rows.Validation).Max(row => row.Length);
}
