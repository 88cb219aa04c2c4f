namespace Microsoft.ML.Peft.AutoML.Tests.Support;

/// <summary>Results of searches that never ran, whose figures are known.</summary>
internal static class MadeSearch
{
    public const string NastyMessage = "The loss is \"NaN\", </script><script>document.title = 'hacked'</script><img src=x onerror=\"document.title = 'hacked'\">\nlower it.";

    private static readonly int[] Rungs = [1, 3, 9];

    public static PeftSearchDescription Search { get; } = new()
    {
        MetricName = "Accuracy",
        LowerIsBetter = false,
        CurveMetricName = "Accuracy",
        Methods =
        [
            new("prefix", [new("Rate", 1e-4, 1, true, []), new("Dropout", 0, 0.5, false, []), new("Start", null, null, false, ["zeros", "text"])]),
            new("prompt", [new("Rate", 1e-4, 1, true, []), new("Dropout", 0, 0.5, false, []), new("Wide", null, null, false, [false, true])]),
        ],
        Tuner = "ASHA, made up",
        Rungs = Rungs,
        MaxTrials = 40,
        MaxTime = TimeSpan.FromMinutes(10),
        MaxConcurrentTrials = 1,
        Directory = "nowhere",
    };

    /// <summary>A baseline of 0.8 and trials of two methods: every third reached rung 1, every ninth rung 2, every tenth failed.</summary>
    public static PeftExperimentResult Result(int trials = 30)
        => new(Search, [Baseline, .. Enumerable.Range(1, trials).Select(Trial)], TimeSpan.FromSeconds(10 * trials + 20));

    public static PeftTrialResult Baseline { get; } = new()
    {
        TrialId = 0,
        Method = "linear probe",
        IsBaseline = true,
        Parameters = new Dictionary<string, object?> { ["Model"] = "a-model" },
        Options = null,
        Seed = 1,
        Status = PeftTrialStatus.Completed,
        Failure = null,
        Rung = 0,
        Epochs = 0,
        Metric = 0.8,
        Metrics = new Dictionary<string, double> { ["Accuracy"] = 0.8, ["LogLoss"] = 0.5 },
        Duration = TimeSpan.FromSeconds(1.5),
        IsRefit = false,
        AdapterBytes = 0,
        MillisecondsPerText = 0.5,
        PeakMemoryInMegaByte = null,
        RungResults = [new(0, 0, 0.8, TimeSpan.FromSeconds(2))],
        LearningCurve = [],
        AdapterPath = null,
        ModelPath = null,
    };

    /// <summary>A trial of a method that ended at a rung with a metric.</summary>
    public static PeftTrialResult Trial(int id, string method, IReadOnlyDictionary<string, object?> options, double metric, int rung = 0, PeftTrialFailure? failure = null)
    {
        double At(int epoch) => metric - 0.1 * (1.0 / epoch - 1.0 / Rungs[rung]);
        return Baseline with
        {
            TrialId = id,
            Method = method,
            IsBaseline = false,
            Parameters = options,
            Seed = id,
            Status = failure is not null ? PeftTrialStatus.Failed : rung == 2 ? PeftTrialStatus.Completed : PeftTrialStatus.Paused,
            Failure = failure,
            Rung = failure is null ? rung : -1,
            Epochs = Rungs[rung],
            Metric = failure is null ? metric : double.NaN,
            Metrics = failure is null ? new Dictionary<string, double> { ["Accuracy"] = metric, ["LogLoss"] = 1 - metric } : [],
            Duration = TimeSpan.FromSeconds(1.1 * Rungs[rung]),
            AdapterBytes = failure is null ? 1000 * (2 + id * 7 % 13) : 0,
            MillisecondsPerText = failure is null ? 1 + id * 8 % 13 / 10.0 : 0,
            RungResults = failure is not null ? [] : [.. Enumerable.Range(0, rung + 1).Select(r => new PeftRungResult(r, Rungs[r], At(Rungs[r]), TimeSpan.FromSeconds(10 * id + 3 * r + 2)))],
            LearningCurve = [.. Enumerable.Range(1, Rungs[rung]).Select(epoch => new PeftEpoch(epoch, 2.0 / epoch, At(epoch), 1.1))],
            AdapterPath = failure is null ? $"trials/{id}/adapter" : null,
            ModelPath = failure is null ? $"trials/{id}/model.zip" : null,
        };
    }

    private static PeftTrialResult Trial(int id)
    {
        double rate = Math.Pow(10, -4 + id * 7 % 31 / 8.0), dropout = id * 11 % 29 / 58.0;
        var options = new Dictionary<string, object?> { ["Rate"] = rate, ["Dropout"] = dropout };
        if (id % 2 == 0)
            options["Start"] = id % 4 == 0 ? "zeros" : "text";
        else
            options["Wide"] = id % 4 == 1;
        double metric = 0.85 - 0.05 * Math.Abs(Math.Log10(rate / 0.01)) + 0.001 * (id % 7);
        return Trial(id, id % 2 == 0 ? "prefix" : "prompt", options, metric, id % 9 == 0 ? 2 : id % 3 == 0 ? 1 : 0,
            id % 10 == 0 ? new PeftTrialFailure(PeftFailureReason.Diverged, NastyMessage) : null);
    }
}
