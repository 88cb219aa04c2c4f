using Microsoft.Extensions.Time.Testing;
using Microsoft.ML.Peft.AutoML.Monitoring;
using Microsoft.ML.Peft.AutoML.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests.Monitoring;

public sealed class SearchProgressTests
{
    private readonly FakeTimeProvider _time = new();

    private SearchProgress After(PeftSearchDescription search, params PeftEvent[] events)
    {
        var progress = new SearchProgress(_time);
        progress.Add(new PeftExperimentStarted(search));
        foreach (var e in events)
            progress.Add(e);
        return progress;
    }

    [Fact]
    public void The_time_goes_on_between_events_and_stops_at_the_end()
    {
        var progress = After(MadeSearch.Search, new PeftTrialCompleted(MadeSearch.Baseline) { Elapsed = TimeSpan.FromSeconds(10) });
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(15), progress.Elapsed);
        progress.Add(new PeftExperimentFinished(MadeSearch.Result(), null) { Elapsed = TimeSpan.FromSeconds(16) });
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(16), progress.Elapsed);
    }

    [Fact]
    public void A_budget_of_time_tells_what_is_left()
    {
        var progress = After(MadeSearch.Search with { MaxTrials = null, MaxTime = TimeSpan.FromSeconds(100) });
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(TimeSpan.FromSeconds(70), progress.TimeLeft);
        _time.Advance(TimeSpan.FromSeconds(300));
        Assert.Equal(TimeSpan.Zero, progress.TimeLeft);
    }

    [Fact]
    public void A_budget_of_trials_tells_it_by_the_epochs_that_they_take()
    {
        var trial = MadeSearch.Trial(1, "prefix", new Dictionary<string, object?>(), 0.8, rung: 2);
        var progress = After(
            MadeSearch.Search with { MaxTrials = 5, MaxTime = null, Rungs = [9] },
            new PeftTrialStarted(trial with { Status = PeftTrialStatus.Running, Epochs = 0 }, 0, 9), new PeftRungReported(trial, 0) { Elapsed = TimeSpan.FromSeconds(20) });
        Assert.Equal(TimeSpan.FromSeconds(80), progress.TimeLeft);

        // Halving: of 9 trials all train 1 epoch, 3 go on for 2 and 1 for 6 more: 21 epochs, of which 1 has taken 10 seconds.
        var first = MadeSearch.Trial(1, "prefix", new Dictionary<string, object?>(), 0.8);
        progress = After(
            MadeSearch.Search with { MaxTrials = 9, MaxTime = null },
            new PeftTrialStarted(first with { Status = PeftTrialStatus.Running, Epochs = 0 }, 0, 1), new PeftRungReported(first, 0) { Elapsed = TimeSpan.FromSeconds(10) });
        Assert.Equal(200, progress.TimeLeft!.Value.TotalSeconds, 1e-6);
    }

    [Fact]
    public void Of_two_budgets_the_one_that_ends_first_counts()
    {
        var trial = MadeSearch.Trial(1, "prefix", new Dictionary<string, object?>(), 0.8, rung: 2);
        SearchProgress Progress(int seconds) => After(
            MadeSearch.Search with { MaxTrials = 5, MaxTime = TimeSpan.FromSeconds(seconds), Rungs = [9] },
            new PeftTrialStarted(trial with { Status = PeftTrialStatus.Running, Epochs = 0 }, 0, 9), new PeftRungReported(trial, 0) { Elapsed = TimeSpan.FromSeconds(20) });
        Assert.Equal(TimeSpan.FromSeconds(80), Progress(1000).TimeLeft);
        Assert.Equal(TimeSpan.FromSeconds(10), Progress(30).TimeLeft);
    }

    [Fact]
    public void Without_a_budget_or_a_first_epoch_the_time_left_is_unknown()
    {
        Assert.Null(After(MadeSearch.Search with { MaxTrials = null, MaxTime = null }).TimeLeft);
        Assert.Null(After(MadeSearch.Search with { MaxTrials = 5, MaxTime = null }).TimeLeft);
    }

    [Fact]
    public void It_adds_up_to_the_searchs_own_result()
    {
        using var directory = new TemporaryDirectory();
        var events = new Events();
        var result = SyntheticSearch.Run(SyntheticSearch.Plan(directory.Path), monitor: events);
        var progress = new SearchProgress(_time);
        events.All.ForEach(progress.Add);
        Assert.Equal(SyntheticSearch.Describe(result), SyntheticSearch.Describe(progress.Result));
        Assert.Equal(12, progress.TrialsDone);
        Assert.NotNull(progress.End);
    }
}
