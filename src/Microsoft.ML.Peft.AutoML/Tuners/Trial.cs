using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>What a tuner knows of a trial: its configuration, and how good it was at each rung that it reached.</summary>
internal sealed class Trial(int id, Configuration configuration)
{
    private readonly List<Objective> _reports = [];

    public int Id { get; } = id;

    public Configuration Configuration { get; } = configuration;

    /// <summary>The rung that it runs to, or has reached.</summary>
    public int Rung { get; private set; }

    public bool IsRunning { get; private set; } = true;

    public bool HasFailed { get; private set; }

    /// <summary>One for each rung reached, from the lowest.</summary>
    public IReadOnlyList<Objective> Reports => _reports;

    /// <summary>Whether it has reached a rung and gone no further.</summary>
    public bool Waits(int rung) => !IsRunning && !HasFailed && Rung == rung;

    public void Promote(int rung)
    {
        if (IsRunning || HasFailed || rung != _reports.Count)
            throw new InvalidOperationException($"Trial {Id} cannot be promoted to rung {rung}.");
        (Rung, IsRunning) = (rung, true);
    }

    public void Report(Objective objective)
    {
        Stop();
        _reports.Add(objective);
    }

    /// <summary>It is judged as the worst at the rung that it did not reach.</summary>
    public void Fail()
    {
        Stop();
        HasFailed = true;
        _reports.Add(Objective.Worst);
    }

    private void Stop()
    {
        if (!IsRunning)
            throw new InvalidOperationException($"Trial {Id} is not running.");
        IsRunning = false;
    }
}
