using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>
/// All that has happened in a search, in order. Tuners have no other state: whoever replays the same events gets the same proposals.
/// </summary>
internal sealed class SearchHistory
{
    private readonly List<Trial> _trials = [];
    private readonly HashSet<string> _tried = [];

    /// <summary>In the order in which they were started.</summary>
    public IReadOnlyList<Trial> Trials => _trials;

    public bool AnyRunning => _trials.Exists(trial => trial.IsRunning);

    public Trial Start(int id, Configuration configuration)
    {
        var trial = new Trial(id, configuration);
        _trials.Add(trial);
        _tried.Add(configuration.Key);
        return trial;
    }

    public bool WasTried(Configuration configuration) => _tried.Contains(configuration.Key);

    /// <summary>The trials with a result at a rung, failed ones included, in the order in which they were started.</summary>
    public IReadOnlyList<Trial> At(int rung) => [.. _trials.Where(trial => trial.Reports.Count > rung)];
}
