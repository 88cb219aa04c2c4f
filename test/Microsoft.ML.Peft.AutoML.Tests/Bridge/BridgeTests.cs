using Microsoft.ML.AutoML;
using Microsoft.ML.Peft.AutoML.Bridge;
using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Tests.Support;
using Microsoft.ML.Peft.AutoML.Tuners;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;
using Space = Microsoft.ML.SearchSpace.SearchSpace;

namespace Microsoft.ML.Peft.AutoML.Tests.Bridge;

/// <summary>The bridge's own files, compiled into this assembly with stand-ins for Microsoft.ML.AutoML.</summary>
public sealed class BridgeTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly MLContext _mlContext = new(seed: 1);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_sweeps_options_are_options_of_the_same_values()
    {
        foreach (var method in PeftSweep.All.Select(sweep => sweep.Space))
        {
            var space = OptionParameters.ToSearchSpace(method);
            Assert.Equal(method.Dimensions.Select(dimension => dimension.Name), space.Keys);
            foreach (var dimension in method.Dimensions)
            {
                var option = space[dimension.Name];
                object? At(double feature) => OptionParameters.ToConfiguration(new MethodSpace("one", [dimension]), Only(dimension.Name, option.SampleFromFeatureSpace([feature]))).Values[0];
                object? first = option.SampleFromFeatureSpace(option.Default) is var parameter
                    ? OptionParameters.ToConfiguration(new MethodSpace("one", [dimension]), Only(dimension.Name, parameter)).Values[0] : null;
                AssertClose(dimension.Default, first);
                AssertClose(dimension.At(0), At(0));
                AssertClose(dimension.At(1 - 1e-7), At(1 - 1e-7));      // an integer's largest value is within reach
            }
        }
    }

    [Fact]
    public void Parameters_and_configurations_are_the_same_thing()
    {
        var random = new Random(1);
        foreach (var method in PeftSweep.All.Select(sweep => sweep.Space))
        {
            var configuration = RandomSampler.Draw(method, random);
            Assert.Equal(configuration, OptionParameters.ToConfiguration(method, OptionParameters.ToParameter(configuration)));
        }
    }

    [Fact]
    public void A_sweepable_estimator_trains_what_its_parameters_say()
    {
        var rows = Tickets.Keyed(_mlContext, 48);
        var sweep = PeftSweep.PTuningLstm(new PTuningOptions { Model = Tickets.TinyModel });
        var sweepable = sweep.ToSweepableEstimator(options => (options.MaxEpochs, options.Seed) = (2, 5));
        var parameter = OptionParameters.ToParameter(sweep.Space.Default);
        parameter["VirtualTokens"] = Parameter.FromInt(7);
        parameter["EncoderHiddenSize"] = Parameter.FromString("128");
        using var model = (SoftPromptTransformer)sweepable.BuildFromOption(_mlContext, parameter).Fit(rows);
        using var same = _mlContext.Transforms.PTuning(new PTuningOptions
        {
            Model = Tickets.TinyModel,
            Encoder = PromptEncoder.Lstm,
            EncoderHiddenSize = 128,
            VirtualTokens = 7,
            MaxEpochs = 2,
            Seed = 5,
        }).Fit(rows);
        Assert.Equal(same.TrainingHistory.Epochs.Select(epoch => epoch.TrainingLoss), model.TrainingHistory.Epochs.Select(epoch => epoch.TrainingLoss));
        Assert.Equal(2, model.TrainingHistory.Epochs.Count);
    }

    [Fact]
    public void Every_method_becomes_its_own_estimator()
    {
        var types = PeftSweep.All.Select(sweep => sweep.ToSweepableEstimator().BuildFromOption(_mlContext, OptionParameters.ToParameter(sweep.Space.Default)).GetType());
        Assert.Equal([typeof(PrefixTuningEstimator), typeof(PromptTuningEstimator), typeof(PrefixTuningEstimator), typeof(PTuningEstimator), typeof(PTuningEstimator)], types);
    }

    [Fact]
    public void The_tuner_proposes_what_the_TPE_sampler_proposes_in_any_space()
    {
        var inner = new Space();
        inner.Add("rate", new UniformDoubleOption(1e-4, 1, true, 0.5));
        inner.Add("tokens", new UniformIntOption(1, 201, true, 150));
        inner.Add("dropout", new UniformSingleOption(0, 0.5f));
        inner.Add("only", new UniformIntOption(3, 4));
        var space = new Space();
        space.Add("_pipeline_", inner);
        space.Add("start", new ChoiceOption(["zeros", "text", "words"], "text"));

        var tuner = new SearchSpaceTuner(space, all => new FullTrainingTuner(new TpeSampler([all], 7), 1));
        double Loss(Parameter p) => Math.Pow(Math.Log10(p["_pipeline_"]["rate"].AsType<double>() / 0.01), 2) + (p["start"].AsType<string>() == "words" ? 0 : 1)
            + Math.Abs(p["_pipeline_"]["tokens"].AsType<int>() - 20) / 100.0 + p["_pipeline_"]["dropout"].AsType<float>();

        var first = tuner.Propose(new TrialSettings());
        Assert.Equal((0.5, 150, "text", 3), (Math.Round(first["_pipeline_"]["rate"].AsType<double>(), 9), first["_pipeline_"]["tokens"].AsType<int>(), first["start"].AsType<string>(), first["_pipeline_"]["only"].AsType<int>()));
        var losses = new List<double>();
        for (int trial = 0; trial < 60; trial++)
        {
            var proposed = trial == 0 ? first : tuner.Propose(new TrialSettings { TrialId = trial });
            Assert.InRange(proposed["_pipeline_"]["tokens"].AsType<int>(), 1, 200);
            losses.Add(Loss(proposed));
            tuner.Update(new TrialResult { Loss = losses[^1] });
        }
        // It learns: later proposals are better than the random ones at the start. A tuner that is told the opposite gets worse.
        Assert.True(losses.Skip(30).Average() < 0.7 * losses.Take(10).Average(), string.Join(' ', losses));
    }

    [Fact]
    public async Task An_experiment_runs_the_own_trials_with_halving_and_model_metric_and_loss_are_right()
    {
        var (train, validation) = Keyed(72);
        var runs = new List<(int Trial, int Rung)>();
        using var trials = Experiment().SetDataset(train, validation).SetMulticlassClassificationMetric(PeftMulticlassMetric.MicroAccuracy).SetAshaTuner(reductionFactor: 3).ToTrials();
        var experiment = _mlContext.Auto().CreateExperiment().SetPeftTrials(trials).SetMaxModelToExplore(8);
        experiment.SetTrialRunner(_ => new Observed(new TrialRunner(trials.Session), settings =>
        {
            var (trial, _, rung) = TrialParameters.Read(trials.Session.Spaces, settings.Parameter);
            runs.Add((trial!.Value, rung!.Value));
        }));
        var best = await experiment.RunAsync();
        // Of three trials the best goes on from its checkpoint to the next rung.
        Assert.Contains(runs, run => run.Rung == 1);
        Assert.All(runs.Where(run => run.Rung > 0), run => Assert.Contains((run.Trial, run.Rung - 1), runs));
        Assert.Equal(best.Metric, -best.Loss);
        Assert.Equal(_mlContext.MulticlassClassification.Evaluate(best.Model.Transform(validation)).MicroAccuracy, best.Metric, 1e-9);
        Assert.True(best.DurationInMilliseconds > 0);
    }

    [Fact]
    public async Task A_metric_of_which_less_is_better_is_the_loss_itself()
    {
        var (train, validation) = Keyed(48);
        using var trials = Experiment().SetDataset(train, validation).SetMulticlassClassificationMetric(PeftMulticlassMetric.LogLoss).SetRandomSearchTuner().ToTrials();
        var best = await _mlContext.Auto().CreateExperiment().SetPeftTrials(trials).SetMaxModelToExplore(2).RunAsync();
        Assert.Equal(best.Metric, best.Loss);
        Assert.Equal(_mlContext.MulticlassClassification.Evaluate(best.Model.Transform(validation)).LogLoss, best.Loss, 1e-6);
    }

    [Fact]
    public async Task The_same_trials_are_run_as_by_the_own_experiment()
    {
        var (train, validation) = Keyed(48);
        var own = Experiment("own").SetDataset(train, validation).SetRandomSearchTuner().SetMaxModelToExplore(3);
        var best = await own.RunAsync();
        using var trials = Experiment("theirs").SetDataset(train, validation).SetRandomSearchTuner().ToTrials();
        var theirs = await _mlContext.Auto().CreateExperiment().SetPeftTrials(trials).SetMaxModelToExplore(3).RunAsync();
        Assert.Equal(best.Metric, theirs.Metric);
        var (_, configuration, _) = TrialParameters.Read(trials.Session.Spaces, theirs.TrialSettings.Parameter);
        Assert.Equal(best.Parameters.Values, configuration.Values);
    }

    [Fact]
    public async Task Another_tuner_trains_every_proposal_to_the_end()
    {
        var (train, validation) = Keyed(48);
        using var trials = Experiment().SetDataset(train, validation).ToTrials();
        var best = await _mlContext.Auto().CreateExperiment().SetPeftTrials(trials).SetPeftTpeTuner(seed: 3).SetMaxModelToExplore(2).RunAsync();
        var (trial, configuration, rung) = TrialParameters.Read(trials.Session.Spaces, best.TrialSettings.Parameter);
        Assert.True(trial is null && rung is null && configuration.Space.Method == "prefix tuning");
        string checkpoint = Directory.GetFiles(_directory.File("trials"), "training_checkpoint.safetensors", SearchOption.AllDirectories)[0];
        Assert.Contains("rung-1", Directory.GetDirectories(Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(checkpoint)!)!)!).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_trial_that_fails_counts_as_the_worst_and_the_others_go_on()
    {
        var (train, validation) = Keyed(48);
        using var trials = Experiment().SetDataset(train, validation).SetRandomSearchTuner().ToTrials();
        int run = 0;
        var best = await _mlContext.Auto().CreateExperiment().SetPeftTrials(trials)
            .SetTrialRunner(_ => new Observed(new TrialRunner(trials.Session), _ => { if (++run == 2) throw new InvalidOperationException("This one fails."); }))
            .SetMaxModelToExplore(3).RunAsync();
        Assert.Equal(3, run);
        Assert.NotNull(best.Model);
    }

    [Fact]
    public async Task A_trial_is_cancelled_by_the_experiments_token()
    {
        var (train, validation) = Keyed(48);
        using var trials = Experiment().SetDataset(train, validation).ToTrials();
        using var cancellation = new CancellationTokenSource();
        var running = new TrialRunner(trials.Session).RunAsync(new TrialSettings { Parameter = TrialParameters.ToParameter(trials.Session.Tuner.Ask()) }, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private PeftExperiment Experiment(string directory = ".") => _mlContext.Peft().CreateExperiment()
        .AddMethod(PeftSweep.PrefixTuning(new PrefixTuningOptions { Model = Tickets.TinyModel }).WithRange(o => o.VirtualTokens, 2, 8))
        .SetMaxEpochs(3).SetSeed(3).SetCheckpoint(_directory.File(directory));

    private (IDataView Train, IDataView Validation) Keyed(int rows)
    {
        var all = Tickets.Keyed(_mlContext, rows);
        return (_mlContext.Data.SkipRows(all, rows / 3), _mlContext.Data.TakeRows(all, rows / 3));
    }

    private static Parameter Only(string name, Parameter value) => Parameter.CreateNestedParameter(KeyValuePair.Create(name, value));

    private static void AssertClose(object? expected, object? actual)
    {
        if (expected is double number)
            Assert.Equal(number, (double)actual!, 1e-6 * Math.Max(1, Math.Abs(number)));
        else
            Assert.Equal(expected, actual);
    }

    private sealed class Observed(Microsoft.ML.AutoML.ITrialRunner inner, Action<TrialSettings> before) : Microsoft.ML.AutoML.ITrialRunner
    {
        public Task<TrialResult> RunAsync(TrialSettings settings, CancellationToken ct)
        {
            before(settings);
            return inner.RunAsync(settings, ct);
        }

        public void Dispose() => inner.Dispose();
    }
}
