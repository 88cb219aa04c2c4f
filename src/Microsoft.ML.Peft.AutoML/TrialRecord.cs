using System.Globalization;
using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>All that is known of a trial.</summary>
/// <param name="id">Its number.</param>
/// <param name="method">Its method, or the baseline's name.</param>
/// <param name="seed">Its seed.</param>
/// <param name="trial">What the tuner knows of it; null for a baseline.</param>
/// <param name="baselineModel">The frozen model of a baseline; null for others.</param>
/// <param name="directory">Its own directory.</param>
internal sealed class TrialRecord(int id, string method, int seed, Trial? trial, string? baselineModel, string directory)
{
    private readonly List<PeftEpoch> _epochs = [];
    private readonly List<(int Epochs, IReadOnlyDictionary<string, double> Metrics, TimeSpan Elapsed)> _reports = [];

    public int Id { get; } = id;

    public string Method { get; } = method;

    public int Seed { get; } = seed;

    public Trial? Trial { get; } = trial;

    public string? BaselineModel { get; } = baselineModel;

    public string Directory { get; } = directory;

    public bool IsRunning { get; set; } = true;

    public IReadOnlyList<PeftEpoch> Epochs => _epochs;

    public TrialReport? Report { get; private set; }

    public PeftTrialFailure? Failure { get; set; }

    /// <summary>The size of the adapter that was trained on all rows; null if none was.</summary>
    public long? RefitAdapterBytes { get; set; }

    public double? PeakMemoryInMegaByte { get; set; }

    /// <summary>The time trained so far.</summary>
    public double Seconds => Math.Max(_epochs.Sum(epoch => epoch.Seconds), Report?.Seconds ?? 0);

    /// <summary>The rung that it has reached, from 0; -1 before the first. A later failure does not take that from it.</summary>
    public int Rung => Report is null ? -1 : Trial is null ? 0 : Trial.Reports.Count - (Trial.HasFailed ? 2 : 1);

    /// <summary>What a paused or interrupted trial goes on from.</summary>
    public string CheckpointDirectory => Path.Combine(Directory, "checkpoint");

    /// <summary>Where the adapter and the model of a rung lie. A rung's own, so that the next one's are never mixed with them.</summary>
    public string ResultDirectory(int rung) => Path.Combine(Directory, string.Create(CultureInfo.InvariantCulture, $"rung-{rung}"));

    /// <summary>The same for the training on all rows.</summary>
    public string RefitDirectory => Path.Combine(Directory, "refit");

    /// <summary>What an interrupted training on all rows goes on from.</summary>
    public string RefitCheckpointDirectory => Path.Combine(Directory, "refit-checkpoint");

    /// <summary>A trial's own directory.</summary>
    /// <remarks>The name tells what is trained: files that another course of events left behind are never taken for this trial's.</remarks>
    public static string DirectoryOf(string trials, int id, int seed, Configuration configuration, int maxEpochs)
        => $"{DirectoryOf(trials, id)}-{StableHash.Hex($"{seed}/{configuration.Key}/{maxEpochs}")}";

    /// <summary>A baseline's own directory.</summary>
    public static string DirectoryOf(string trials, int id) => Path.Combine(trials, id.ToString("0000", CultureInfo.InvariantCulture));

    public void Add(PeftEpoch epoch) => _epochs.Add(epoch);

    public void Add(TrialReport report, TimeSpan elapsed)
    {
        Report = report;
        _reports.Add((report.Epochs, report.Metrics, elapsed));
    }

    public PeftTrialResult ToResult(Metric metric, int topRung, SoftPromptOptions? options)
    {
        string? File(string name) => Trial is null || Report is null ? null : Path.Combine(RefitAdapterBytes is null ? ResultDirectory(Rung) : RefitDirectory, name);
        return new PeftTrialResult
        {
            TrialId = Id,
            Method = Method,
            IsBaseline = Trial is null,
            Parameters = Parameters(),
            Options = options,
            Seed = Seed,
            Status = Failure is not null ? PeftTrialStatus.Failed : IsRunning ? PeftTrialStatus.Running
                : Trial is not null && Trial.Rung < topRung ? PeftTrialStatus.Paused : PeftTrialStatus.Completed,
            Failure = Failure,
            Rung = Rung,
            Epochs = Math.Max(_epochs.Count, Report?.Epochs ?? 0),
            Metric = Report is null ? double.NaN : Report.Metrics[metric.Name],
            Metrics = Report?.Metrics ?? new Dictionary<string, double>(),
            Duration = TimeSpan.FromSeconds(Seconds),
            AdapterBytes = RefitAdapterBytes ?? Report?.AdapterBytes ?? 0,
            IsRefit = RefitAdapterBytes is not null,
            MillisecondsPerText = Report?.MillisecondsPerText ?? 0,
            PeakMemoryInMegaByte = PeakMemoryInMegaByte,
            RungResults = [.. _reports.Select((report, rung) => new PeftRungResult(rung, report.Epochs, report.Metrics[metric.Name], report.Elapsed))],
            LearningCurve = [.. _epochs],
            AdapterPath = File(TrialRequest.AdapterName),
            ModelPath = File(TrialRequest.ModelName),
        };
    }

    private Dictionary<string, object?> Parameters() => Trial is null
        ? new() { ["Model"] = BaselineModel }
        : Trial.Configuration.Space.Dimensions.Zip(Trial.Configuration.Values).ToDictionary(pair => pair.First.Name, pair => pair.Second);
}
