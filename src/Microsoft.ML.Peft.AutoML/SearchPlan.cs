using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Trials;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>What a search is to do; all its settings, checked.</summary>
internal sealed record SearchPlan
{
    public required string Directory { get; init; }

    public string TrialsDirectory => Path.Combine(Directory, "trials");

    public required IReadOnlyList<MethodSpace> Spaces { get; init; }

    public required Metric Metric { get; init; }

    /// <summary>The name of <see cref="PeftEpoch.Metric"/>.</summary>
    public string CurveMetricName { get; init; } = "Accuracy";

    /// <summary>What metrics are weighed against in the search; null if it only looks at the metric.</summary>
    public PeftCost? Cost { get; init; }

    public required int Seed { get; init; }

    /// <summary>What the baseline is called, and the frozen models that have one.</summary>
    public string Baseline { get; init; } = "baseline";

    public IReadOnlyList<string> BaselineModels { get; init; } = [];

    /// <summary>The data in a few digits: a log must not go on with other rows.</summary>
    public string DataFingerprint { get; init; } = "";

    public int? MaxTrials { get; init; }

    public TimeSpan? MaxTime { get; init; }

    public int MaxConcurrentTrials { get; init; } = 1;

    public TimeSpan? MaxTrialTime { get; init; }

    public double? MaxTrialMegabytes { get; init; }

    /// <summary>Whether the best trial is trained anew on training and validation rows in the end.</summary>
    public bool Refit { get; init; }

    /// <summary>All options of a configuration's trial, as a user would write them.</summary>
    public Func<Configuration, int, SoftPromptOptions?> Options { get; init; } = (_, _) => null;
}
