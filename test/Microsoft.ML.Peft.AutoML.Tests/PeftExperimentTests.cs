using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.AutoML.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests;

/// <summary>Searches with real trainings of small random models.</summary>
public sealed class PeftExperimentTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly MLContext _mlContext = new(seed: 1);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_best_trial_reloads_as_a_transformer_that_scores_as_reported()
    {
        var (train, validation) = Keyed(72);
        var experiment = Tiny("search").SetDataset(train, validation).SetMulticlassClassificationMetric(PeftMulticlassMetric.LogLoss);
        var best = await experiment.RunAsync();
        var model = best.LoadModel(_mlContext);
        var metrics = _mlContext.MulticlassClassification.Evaluate(model.Transform(validation));
        Assert.Equal(best.Metric, metrics.LogLoss, 1e-6);
        Assert.Equal(best.Metrics["MicroAccuracy"], metrics.MicroAccuracy, 1e-9);
        Assert.Equal(best.Metrics["MacroAccuracy"], metrics.MacroAccuracy, 1e-9);
        Assert.Equal(best.Metric, experiment.Result!.Trials[best.TrialId].Metric);
        ((IDisposable)model).Dispose();
    }

    [Fact]
    public async Task The_linear_probe_is_trial_0_and_scores_as_a_training_reports_it()
    {
        var (train, validation) = Keyed(72);
        var experiment = Tiny("search").SetDataset(train, validation);
        await experiment.RunAsync();
        using var model = _mlContext.Transforms.PrefixTuning(new PrefixTuningOptions { Model = Tickets.TinyModel, MaxEpochs = 1, ValidationSet = validation, VirtualTokens = 4 }).Fit(train);
        var probe = experiment.Result!.Trials[0];
        Assert.True(probe is { IsBaseline: true, Method: "linear probe" });
        Assert.Equal(model.TrainingHistory.ProbeValidationMetric, probe.Metrics["MicroAccuracy"]);
        Assert.Equal(Tickets.TinyModel, probe.Parameters["Model"]);
    }

    [Fact]
    public async Task A_trials_options_train_the_same_model_again()
    {
        var (train, validation) = Keyed(72);
        var experiment = Tiny("search").SetDataset(train, validation).SetRandomSearchTuner().SetMaxModelToExplore(3);
        await experiment.RunAsync();
        var trial = experiment.Result!.Trials[3];
        var options = trial.Options!;
        options.ValidationSet = validation;
        using var again = options switch
        {
            PrefixTuningOptions prefix => _mlContext.Transforms.PrefixTuning(prefix).Fit(train),
            PromptTuningOptions prompt => _mlContext.Transforms.PromptTuning(prompt).Fit(train),
            PTuningOptions pTuning => _mlContext.Transforms.PTuning(pTuning).Fit(train),
            _ => throw new NotSupportedException(),
        };
        Assert.Equal(trial.LearningCurve.Select(epoch => epoch.Metric), again.TrainingHistory.Epochs.Select(epoch => epoch.ValidationMetric));
        Assert.Equal(trial.LearningCurve.Select(epoch => epoch.TrainingLoss), again.TrainingHistory.Epochs.Select(epoch => epoch.TrainingLoss));
        again.SaveAdapter(_directory.File("again"));
        Assert.Equal(File.ReadAllBytes(Path.Combine(trial.AdapterPath!, "adapter_model.safetensors")), File.ReadAllBytes(_directory.File("again/adapter_model.safetensors")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task All_five_methods_are_searched_and_concurrency_changes_nothing(int concurrency)
    {
        var (train, validation) = Keyed(48);
        var experiment = _mlContext.Peft().CreateExperiment().SetModels(Tickets.TinyModel).SetDataset(train, validation).SetSeed(5)
            .SetRandomSearchTuner().SetMaxModelToExplore(7).SetMaxEpochs(2).SetCheckpoint(_directory.File("search")).SetMaxConcurrentTrials(concurrency);
        await experiment.RunAsync();
        Assert.All(experiment.Result!.Trials, trial => Assert.Equal(PeftTrialStatus.Completed, trial.Status));
        Assert.Equal(PeftSweep.All.Select(sweep => sweep.Method), experiment.Result.Trials.Skip(1).Take(5).Select(trial => trial.Method));
        string other = Outcomes.GetOrAdd("five", SyntheticSearch.Describe(experiment.Result));
        Assert.Equal(other, SyntheticSearch.Describe(experiment.Result));
    }

    [Fact]
    public async Task An_interrupted_search_goes_on_with_real_trainings_as_if_nothing_had_happened()
    {
        var (train, validation) = Keyed(72);
        var whole = Tiny("whole").SetDataset(train, validation).SetBohbTuner();
        await whole.RunAsync();
        foreach (int stopAt in new[] { 3, 5, 8 })
        {
            using var cancellation = new CancellationTokenSource();
            int events = 0;
            var monitor = new Events { OnEvent = e => { if (!e.IsReplay && ++events == stopAt) cancellation.Cancel(); } };
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Tiny("parts").SetDataset(train, validation).SetBohbTuner().SetMonitor(monitor).RunAsync(cancellation.Token));
        }
        var last = Tiny("parts").SetDataset(train, validation).SetBohbTuner();
        await last.RunAsync();
        Assert.Equal(SyntheticSearch.Describe(whole.Result!), SyntheticSearch.Describe(last.Result!));
        Assert.Equal(Bytes(whole.Result!.Best!), Bytes(last.Result!.Best!));
    }

    [Fact]
    public async Task Yes_or_no_labels_are_searched_by_their_own_metrics()
    {
        var rows = Tickets.Load(_mlContext, 72);
        var experiment = Tiny("search").SetColumns("IsCrash", secondTextColumnName: "Second").SetDataset(rows).SetBinaryClassificationMetric(PeftBinaryMetric.AreaUnderRocCurve);
        var best = await experiment.RunAsync();
        Assert.Equal(["Accuracy", "AreaUnderRocCurve", "F1Score", "LogLoss"], best.Metrics.Keys.Order());
        Assert.InRange(best.Metric, 0.5, 1);
        var scored = best.LoadModel(_mlContext).Transform(rows);
        Assert.NotNull(scored.Schema.GetColumnOrNull("Probability"));
    }

    [Fact]
    public async Task Values_are_searched_by_their_own_metrics_and_without_label_words()
    {
        var rows = Tickets.Load(_mlContext, 72);
        var experiment = _mlContext.Peft().CreateExperiment().AddMethod(PeftSweep.PromptTuning(new PromptTuningOptions { Model = Tickets.TinyModel }))
            .SetSeed(3).SetMaxEpochs(3).SetMaxModelToExplore(8).SetCheckpoint(_directory.File("search"))
            .SetColumns("Rating").SetDataset(rows).SetRegressionMetric(PeftRegressionMetric.RootMeanSquaredError).SetRandomSearchTuner();
        var best = await experiment.RunAsync();
        Assert.Equal(["MeanAbsoluteError", "RSquared", "RootMeanSquaredError"], best.Metrics.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(experiment.Result!.Trials.Skip(1).Min(trial => trial.Metric), best.Metric);
        Assert.DoesNotContain(experiment.Result.Trials.Skip(1), trial => trial.Parameters["Initialization"] is PromptInitialization.LabelWords);
        // The probe is a ridge regression on values in their own scale, too.
        Assert.InRange(experiment.Result.Trials[0].Metrics["RootMeanSquaredError"], 0.01, 1.5);
    }

    [Fact]
    public async Task Cross_validation_trains_on_every_part_and_reports_the_mean()
    {
        var rows = Tickets.Keyed(_mlContext, 60);
        var events = new Events();
        var experiment = Tiny("search").SetDataset(rows, fold: 3).SetRandomSearchTuner().SetMaxModelToExplore(2).SetMonitor(events);
        var best = await experiment.RunAsync();
        Assert.Equal(3, best.LearningCurve.Count);
        using var model = (IDisposable)best.LoadModel(_mlContext);
        // Accuracies of three parts of 20 rows: their mean is a multiple of 1/60.
        Assert.Equal(Math.Round(best.Metric * 60), best.Metric * 60, 1e-9);
        string whole = SyntheticSearch.Describe(experiment.Result!);

        using var cancellation = new CancellationTokenSource();
        var monitor = new Events { OnEvent = e => { if (e is PeftEpochCompleted { Trial.TrialId: 2, Epoch.Epoch: 2 }) cancellation.Cancel(); } };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Tiny("parts").SetDataset(rows, fold: 3).SetRandomSearchTuner().SetMaxModelToExplore(2).SetMonitor(monitor).RunAsync(cancellation.Token));
        var again = Tiny("parts").SetDataset(rows, fold: 3).SetRandomSearchTuner().SetMaxModelToExplore(2);
        await again.RunAsync();
        Assert.Equal(whole, SyntheticSearch.Describe(again.Result!));
    }

    [Fact]
    public async Task The_winner_is_trained_anew_on_all_rows_as_its_own_options_train()
    {
        var (train, validation) = Keyed(72);
        var experiment = Tiny("search").SetDataset(train, validation).SetRefit();
        var best = await experiment.RunAsync();
        Assert.True(best.IsRefit);
        Assert.Equal(best.TrialId, Assert.Single(experiment.Result!.Trials, trial => trial.IsRefit).TrialId);

        // The same as a training on these rows in this order, but for the trial's calibration, which only the head takes part in.
        var all = _mlContext.Data.LoadFromEnumerable(Tickets.Rows(72).Skip(24).Concat(Tickets.Rows(72).Take(24)).ToList());
        var options = best.Options!;
        options.ValidationFraction = 0;
        var keys = _mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(_mlContext.Data.LoadFromEnumerable(Tickets.Rows(72)));
        using var again = options is PrefixTuningOptions prefix
            ? _mlContext.Transforms.PrefixTuning(prefix).Fit(keys.Transform(all)) : _mlContext.Transforms.PTuning((PTuningOptions)options).Fit(keys.Transform(all));
        var expected = again.Transform(validation);
        var found = best.LoadModel(_mlContext).Transform(validation);
        Assert.Equal(expected.GetColumn<uint>("PredictedLabel"), found.GetColumn<uint>("PredictedLabel"));
        double[] ratios = [.. Logits(expected).Zip(Logits(found), (a, b) => b / a)];
        Assert.All(ratios, ratio => Assert.Equal(ratios[0], ratio, 2e-2));
    }

    [Fact]
    public async Task An_interrupted_training_on_all_rows_goes_on_to_the_same_bits()
    {
        var (train, validation) = Keyed(72);
        var whole = await Tiny("whole").SetDataset(train, validation).SetRefit().RunAsync();
        using var cancellation = new CancellationTokenSource();
        var monitor = new Events { OnEvent = e => { if (e is PeftRefitStarted) cancellation.Cancel(); } };
        var parts = Tiny("parts").SetDataset(train, validation).SetRefit().SetMonitor(monitor);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => parts.RunAsync(cancellation.Token));
        Assert.False(parts.Result!.Best!.IsRefit);
        var again = await Tiny("parts").SetDataset(train, validation).SetRefit().RunAsync();
        Assert.True(again.IsRefit);
        Assert.Equal(Bytes(whole), Bytes(again));
    }

    [Fact]
    public async Task Several_frozen_models_are_searched_and_each_has_its_baseline()
    {
        var (train, validation) = Keyed(48);
        string[] models = [Fixtures.Model("tiny-bert"), Fixtures.Model("tiny-distilbert")];
        var experiment = _mlContext.Peft().CreateExperiment().AddMethod(PeftSweep.PrefixTuning()).SetModels(models).SetSeed(1).SetMaxEpochs(2)
            .SetMaxModelToExplore(6).SetRandomSearchTuner().SetDataset(train, validation).SetCheckpoint(_directory.File("search"));
        await experiment.RunAsync();
        Assert.Equal(models, experiment.Result!.Trials.Where(trial => trial.IsBaseline).Select(trial => (string?)trial.Parameters["Model"]));
        Assert.Equal(models, experiment.Result.Trials.Where(trial => !trial.IsBaseline).Select(trial => (string?)trial.Parameters["Model"]).Distinct().Order());
    }

    [Fact]
    public async Task A_training_that_diverges_is_recorded_and_the_search_goes_on()
    {
        var (train, validation) = Keyed(48);
        var wild = PeftSweep.PrefixTuning(new PrefixTuningOptions { Model = Tickets.TinyModel, MaxGradientNorm = 1e30, WarmUpFraction = 0 })
            .WithValue(o => o.Initialization, PrefixInitialization.Normal).WithChoice(o => o.LearningRate, 1000, 1e-3).WithChoice(o => o.HeadLearningRate, 1000, 1e-3).WithChoice(o => o.WeightDecay, 1000, 0);
        var experiment = _mlContext.Peft().CreateExperiment().AddMethod(wild).SetSeed(1).SetMaxEpochs(40).SetGridSearchTuner(2).SetMaxModelToExplore(12)
            .SetDataset(train, validation).SetCheckpoint(_directory.File("search"));
        await experiment.RunAsync();
        Assert.Contains(experiment.Result!.Trials, trial => trial.Failure is { Reason: PeftFailureReason.Diverged } failure && failure.Message.Contains("diverged", StringComparison.Ordinal));
        Assert.Contains(experiment.Result.Trials, trial => trial is { IsBaseline: false, Status: PeftTrialStatus.Completed });
    }

    [Fact]
    public void One_call_classifies_texts_by_text_labels()
    {
        var rows = _mlContext.Data.TrainTestSplit(Tickets.Load(_mlContext, 80), 0.3, seed: 1);
        var settings = new PeftExperimentSettings { MaxExperimentTimeInSeconds = 600, MaxModels = 5, MaxEpochs = 2, Seed = 1, CacheDirectoryName = _directory.File("search"), Models = { Tickets.TinyModel } };
        var reported = new List<PeftTrialResult>();
        var result = _mlContext.Peft().CreateTextClassificationExperiment(settings).Execute(rows.TrainSet, rows.TestSet, "Label", new Handler(reported.Add));
        Assert.Equal(0, reported[0].TrialId);
        Assert.Equal(result.Trials.Count, reported.Select(trial => trial.TrialId).Distinct().Count());
        Assert.True(result.Best!.IsRefit);
        // The model takes the rows as they are, and its predictions are texts again.
        settings.Refit = false;
        settings.CacheDirectoryName = _directory.File("without");
        result = _mlContext.Peft().CreateTextClassificationExperiment(settings).Execute(rows.TrainSet, rows.TestSet);
        var model = result.Best!.LoadModel(_mlContext);
        var predictions = _mlContext.Data.CreateEnumerable<Prediction>(model.Transform(rows.TestSet), reuseRowObject: false).ToList();
        Assert.Equal(result.Best.Metrics["MicroAccuracy"], predictions.Average(row => row.PredictedLabel == row.Label ? 1.0 : 0), 1e-9);
        var engine = _mlContext.Model.CreatePredictionEngine<Ticket, Prediction>(model);
        Assert.Contains(engine.Predict(new Ticket { Text = "it crashes" }).PredictedLabel, new[] { "billing", "crash", "praise" });
    }

    [Fact]
    public void One_call_searches_a_text_writer()
    {
        var rows = _mlContext.Data.LoadFromEnumerable(Tickets.Rows(40).Select(ticket => new Pair { Text = ticket.Text!, Label = $"it is {ticket.Label}" }).ToList());
        var settings = new PeftExperimentSettings { MaxExperimentTimeInSeconds = 600, MaxModels = 5, MaxEpochs = 2, Seed = 1, CacheDirectoryName = _directory.File("search"), Models = { Fixtures.Model("tiny-llama") } };
        foreach (var sweep in PeftSweep.All)
            settings.Methods.Add(Short(sweep));
        var result = _mlContext.Peft().CreateTextGenerationExperiment(settings).Execute(rows);
        Assert.All(result.Trials, trial => Assert.Equal(PeftTrialStatus.Completed, trial.Status));
        Assert.True(result.Trials[0] is { Method: "frozen model", IsBaseline: true });
        Assert.Equal(["Loss", "RougeL"], result.Best!.Metrics.Keys.Order());
        Assert.True(result.LowerIsBetter && result.BeatsBaseline, result.Summary);
        Assert.True(result.Best.IsRefit);
        Assert.DoesNotContain("HeadLearningRate", result.Best.Parameters.Keys);
        Assert.Equal(0.05, (double)result.Trials.First(trial => trial.Method == "prompt tuning").Parameters["LearningRate"]!, 1e-12);
        var written = result.Best.LoadModel(_mlContext).Transform(rows);
        Assert.Equal(40, written.GetColumn<string>("GeneratedText").Count());
    }

    [Fact]
    public async Task Heads_of_label_words_are_searched_beside_trained_ones()
    {
        var (train, validation) = Keyed(48);
        string model = Fixtures.Model("tiny-llama");
        var words = new PrefixTuningOptions { Model = model, Head = ClassificationHead.LabelWords, LabelWords = new Dictionary<string, string> { ["praise"] = "great" } };
        var experiment = _mlContext.Peft().CreateExperiment()
            .AddMethod(PeftSweep.PrefixTuning(words).WithName("words")).AddMethod(PeftSweep.PrefixTuning(new PrefixTuningOptions { Model = model }))
            .SetSeed(1).SetMaxEpochs(2).SetMaxModelToExplore(3).SetRandomSearchTuner().SetDataset(train, validation).SetCheckpoint(_directory.File("search"));
        await experiment.RunAsync();
        Assert.All(experiment.Result!.Trials, trial => Assert.Equal(PeftTrialStatus.Completed, trial.Status));
        var trial = experiment.Result.Trials[1];
        Assert.Equal("words", trial.Method);
        using var model1 = (SoftPromptTransformer)trial.LoadModel(_mlContext);
        Assert.Equal(trial.Metric, _mlContext.MulticlassClassification.Evaluate(model1.Transform(validation)).MicroAccuracy, 1e-9);
        var options = (PrefixTuningOptions)trial.Options!;
        options.ValidationSet = validation;
        using var again = _mlContext.Transforms.PrefixTuning(options).Fit(train);
        Assert.Equal(trial.LearningCurve.Select(epoch => epoch.TrainingLoss), again.TrainingHistory.Epochs.Select(epoch => epoch.TrainingLoss));
        Assert.Equal(again.TrainingHistory.ProbeValidationMetric, experiment.Result.Baseline!.Metric);

        var refused = await Assert.ThrowsAsync<ArgumentException>(() => experiment.SetColumns("Rating").SetDataset(Tickets.Load(_mlContext)).RunAsync());
        Assert.Contains("Head is LabelWords", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_the_context_stops_a_search()
    {
        var (train, validation) = Keyed(48);
        // What ML.NET's own experiments and tools call; it is not public.
        void Cancel() => typeof(MLContext).GetMethod("CancelExecution", BindingFlags.NonPublic | BindingFlags.Instance)!.Invoke(_mlContext, null);
        var monitor = new Events { OnEvent = e => { if (e is PeftEpochCompleted { Epoch.Epoch: 1 }) Cancel(); } };
        var experiment = Tiny("search").SetDataset(train, validation).SetMaxEpochs(1_000_000).SetMonitor(monitor);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => experiment.RunAsync());
        Assert.True(experiment.Result is { Best: null, Trials.Count: 2 });
        Assert.Equal(PeftTrialStatus.Running, experiment.Result.Trials[1].Status);      // interrupted: another run goes on with it
    }

    [Fact]
    public async Task A_search_writes_its_outcome_to_the_log_of_the_context()
    {
        var (train, validation) = Keyed(48);
        var lines = new List<string>();
        _mlContext.Log += (_, e) => lines.Add(e.Message);
        var experiment = Tiny("search").SetDataset(train, validation).SetMaxModelToExplore(2);
        await experiment.RunAsync();
        Assert.Contains(lines, line => line.Contains(experiment.Result!.Summary, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_missing_or_does_not_fit_is_said_before_anything_is_trained()
    {
        var (train, validation) = Keyed(48);
        async Task AssertRefused(PeftExperiment experiment, string says) =>
            Assert.Contains(says, (await Assert.ThrowsAnyAsync<ArgumentException>(() => experiment.RunAsync())).Message, StringComparison.Ordinal);
        await AssertRefused(Tiny("a"), "SetDataset");
        await AssertRefused(_mlContext.Peft().CreateExperiment().SetDataset(train, validation), "SetMaxModelToExplore or SetTrainingTimeInSeconds");
        await AssertRefused(Tiny("a").SetDataset(train, validation).SetRegressionMetric(PeftRegressionMetric.RSquared), "means Multiclass");
        await AssertRefused(Tiny("a").SetDataset(train, validation).SetColumns("Nothing"), "'Nothing'");
        await AssertRefused(Tiny("a").SetDataset(train, Tickets.Load(_mlContext)), "validation set");
        await AssertRefused(Tiny("a").SetDataset(_mlContext.Data.TakeRows(train, 3)), "too few");
        Assert.False(Directory.Exists(_directory.File("a/trials")));
    }

    [Fact]
    public void A_verb_refuses_a_value_out_of_its_range_at_once()
    {
        var experiment = _mlContext.Peft().CreateExperiment().AddMethod(PeftSweep.PrefixTuning());
        Assert.Contains("WithName", Assert.Throws<ArgumentException>(() => experiment.AddMethod(PeftSweep.PrefixTuning())).Message, StringComparison.Ordinal);
        experiment.AddMethod(PeftSweep.PrefixTuning().WithName("another"));
        Assert.Throws<ArgumentOutOfRangeException>(() => experiment.SetMaxModelToExplore(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => experiment.SetTrainingTimeInSeconds(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => experiment.SetMaxConcurrentTrials(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => experiment.SetMaximumMemoryUsageInMegaByte(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => experiment.SetMaximumTrialTimeInSeconds(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => experiment.SetAshaTuner(reductionFactor: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => experiment.SetBohbTuner(minEpochs: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => experiment.SetGridSearchTuner(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => experiment.SetMaxEpochs(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => experiment.SetDataset(Tickets.Load(_mlContext), fold: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => experiment.SetBinaryClassificationMetric((PeftBinaryMetric)9));
        Assert.Throws<ArgumentException>(() => experiment.SetModels("a", "a"));
        Assert.Throws<ArgumentException>(() => experiment.SetCheckpoint(" "));
    }

    [Fact]
    public async Task The_seed_of_a_search_without_one_is_kept_in_its_directory()
    {
        var (train, validation) = Keyed(48);
        PeftExperiment Unseeded() => Tiny("search", seed: null).SetDataset(train, validation).SetMaxModelToExplore(2);
        var first = Unseeded();
        await first.RunAsync();
        var second = Unseeded();
        await second.RunAsync();
        Assert.Equal(SyntheticSearch.Describe(first.Result!), SyntheticSearch.Describe(second.Result!));
    }

    [Fact]
    public async Task A_baseline_has_no_model_to_load_and_no_options()
    {
        var (train, validation) = Keyed(48);
        var experiment = Tiny("search").SetDataset(train, validation).SetMaxModelToExplore(1);
        await experiment.RunAsync();
        Assert.Contains("baseline", Assert.Throws<InvalidOperationException>(() => experiment.Result!.Baseline!.LoadModel(_mlContext)).Message, StringComparison.Ordinal);
        Assert.Contains("baseline", Assert.Throws<InvalidOperationException>(() => experiment.Result!.Baseline!.ToCSharp()).Message, StringComparison.Ordinal);
        Assert.StartsWith("new P", experiment.Result!.Best!.ToCSharp(), StringComparison.Ordinal);
    }

    private static System.Collections.Concurrent.ConcurrentDictionary<string, string> Outcomes { get; } = new();

    private (IDataView Train, IDataView Validation) Keyed(int rows)
    {
        var all = Tickets.Keyed(_mlContext, rows);
        return (_mlContext.Data.SkipRows(all, rows / 3), _mlContext.Data.TakeRows(all, rows / 3));
    }

    private PeftExperiment Tiny(string directory, int? seed = 3)
    {
        var experiment = _mlContext.Peft().CreateExperiment()
            .AddMethod(PeftSweep.PrefixTuning(new PrefixTuningOptions { Model = Tickets.TinyModel }).WithRange(o => o.VirtualTokens, 2, 8))
            .AddMethod(PeftSweep.PTuningMlp(new PTuningOptions { Model = Tickets.TinyModel }).WithRange(o => o.VirtualTokens, 2, 8))
            .SetMaxEpochs(3).SetMaxModelToExplore(6).SetCheckpoint(_directory.File(directory));
        return seed is { } known ? experiment.SetSeed(known) : experiment;
    }

    private static PeftSweep Short(PeftSweep sweep) => sweep switch
    {
        PeftSweep<PromptTuningOptions> prompt => prompt.WithRange(o => o.VirtualTokens, 2, 8).WithValue(o => o.Generation, new GenerationOptions { MaxNewTokens = 8 }),
        PeftSweep<PrefixTuningOptions> prefix => prefix.WithRange(o => o.VirtualTokens, 2, 8).WithValue(o => o.Generation, new GenerationOptions { MaxNewTokens = 8 }),
        PeftSweep<PTuningOptions> pTuning => pTuning.WithRange(o => o.VirtualTokens, 2, 8).WithValue(o => o.Generation, new GenerationOptions { MaxNewTokens = 8 }),
        _ => throw new NotSupportedException(),
    };

    /// <summary>How far apart the first two classes' logits are, row by row.</summary>
    private static IEnumerable<double> Logits(IDataView scored) => scored.GetColumn<float[]>("Score").Select(score => Math.Log(score[0] / score[1]));

    private static byte[] Bytes(PeftTrialResult trial) => File.ReadAllBytes(Path.Combine(trial.AdapterPath!, "adapter_model.safetensors"));

    private sealed class Handler(Action<PeftTrialResult> report) : IProgress<PeftTrialResult>
    {
        public void Report(PeftTrialResult value) => report(value);
    }

    private sealed class Prediction
    {
        public string Label { get; set; } = "";

        public string PredictedLabel { get; set; } = "";
    }

    private sealed class Pair
    {
        public string Text { get; set; } = "";

        public string Label { get; set; } = "";
    }
}
