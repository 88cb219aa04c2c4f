using System.CommandLine;
using Microsoft.ML.Peft.AutoML;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>The options of a search: what is searched, how, and for how long.</summary>
internal sealed class SearchArguments
{
    private const int DefaultSeconds = 600;

    private static readonly Dictionary<string, Func<PeftSweep>> Sweeps = new()
    {
        ["prompt"] = () => PeftSweep.PromptTuning(),
        ["prefix"] = () => PeftSweep.PrefixTuning(),
        ["prefix-projected"] = () => PeftSweep.ProjectedPrefixTuning(),
        ["p-tuning-mlp"] = () => PeftSweep.PTuningMlp(),
        ["p-tuning-lstm"] = () => PeftSweep.PTuningLstm(),
    };

    private static readonly Dictionary<string, Func<PeftExperiment, PeftExperiment>> Tuners = new()
    {
        ["asha"] = experiment => experiment.SetAshaTuner(),
        ["bohb"] = experiment => experiment.SetBohbTuner(),
        ["tpe"] = experiment => experiment.SetTpeTuner(),
        ["random"] = experiment => experiment.SetRandomSearchTuner(),
        ["grid"] = experiment => experiment.SetGridSearchTuner(),
    };

    private readonly Option<int?> _time = Arguments.Number<int>("--train-time", $"The most seconds of searching [default: {DefaultSeconds}, with --max-trials no limit]", "SECONDS", 1);
    private readonly Option<int?> _trials = Arguments.Number<int>("--max-trials", "The most trials, baselines left out [default: no limit]", "N", 1);
    private readonly Option<string> _tuner = new("--tuner") { Description = $"What proposes and judges trials: {string.Join(", ", Tuners.Keys)}", HelpName = "TUNER", DefaultValueFactory = _ => "asha" };
    private readonly Option<string[]> _methods = Several("--methods", $"The methods to search: {string.Join(", ", Sweeps.Keys)} [default: all]", "METHOD");
    private readonly Option<string[]> _models = Several("--models", "The frozen models to choose from [default: the embedded one]", "MODEL");
    private readonly Option<string?> _metric = new("--metric") { Description = $"What is optimised: {SearchMetric.Names} [default: by the task]", HelpName = "METRIC" };
    private readonly Option<int?> _concurrency = Arguments.Number<int>("--concurrency", "Trials at the same time [default: 1]", "N", 1);
    private readonly Option<int?> _epochs = Arguments.Number<int>("--max-epochs", "The epochs of a full training [default: 5, and more for few rows]", "N", 1);
    private readonly Option<double?> _memory = Arguments.Number<double>("--max-memory", "The most megabytes that a trial may need [default: no limit]", "MB", 1);

    public SearchArguments()
    {
        _tuner.AcceptOnlyFromAmong([.. Tuners.Keys]);
        _methods.AcceptOnlyFromAmong([.. Sweeps.Keys]);
    }

    public void AddTo(Verb verb)
    {
        foreach (var option in new Option[] { _time, _trials, _tuner, _methods, _models, _metric, _concurrency, _epochs, _memory })
            verb.Add(option);
    }

    public void Configure(PeftExperiment experiment, ParseResult parsed, PredictionTask task)
    {
        Tuners[parsed.GetValue(_tuner)!](experiment).SetMaxConcurrentTrials(parsed.GetValue(_concurrency) ?? 1);
        foreach (string method in parsed.GetValue(_methods)!)
            experiment.AddMethod(Sweeps[method]());
        if (parsed.GetValue(_models) is { Length: > 0 } models)
            experiment.SetModels(models);
        if (parsed.GetValue(_trials) is { } trials)
            experiment.SetMaxModelToExplore(trials);
        if ((parsed.GetValue(_time) ?? (parsed.GetValue(_trials) is null ? DefaultSeconds : null)) is { } seconds)
            experiment.SetTrainingTimeInSeconds((uint)seconds);
        if (parsed.GetValue(_epochs) is { } epochs)
            experiment.SetMaxEpochs(epochs);
        if (parsed.GetValue(_memory) is { } megabytes)
            experiment.SetMaximumMemoryUsageInMegaByte(megabytes);
        if (parsed.GetValue(_metric) is { } metric)
            SearchMetric.Set(experiment, metric, task);
    }

    private static Option<string[]> Several(string name, string description, string help) =>
        new(name) { Description = description, HelpName = help, AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
}
