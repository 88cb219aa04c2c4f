using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Time.Testing;
using Microsoft.ML.Peft.AutoML.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests.Monitoring;

public sealed class PeftReportMonitorTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _directory.Dispose();

    private string Page => _directory.File("report.html");

    private JsonElement Data => JsonDocument.Parse(Regex.Match(File.ReadAllText(Page), "id=\"data\">(.*?)</script>", RegexOptions.Singleline).Groups[1].Value).RootElement;

    private string State => Data.GetProperty("state").GetString()!;

    private int Trials => Data.GetProperty("trials").GetArrayLength();

    [Fact]
    public void It_is_there_from_the_beginning_and_follows_at_most_every_few_seconds()
    {
        var monitor = new PeftReportMonitor(Page, _time);
        monitor.Report(new PeftExperimentStarted(MadeSearch.Search));
        Assert.Equal(("running", 0), (State, Trials));
        var result = MadeSearch.Result();
        monitor.Report(new PeftTrialCompleted(result.Trials[0]));
        monitor.Report(new PeftRungReported(result.Trials[1], 0));
        Assert.Equal(0, Trials);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(2, Trials);
        monitor.Report(new PeftRungReported(result.Trials[2], 0));
        monitor.Report(new PeftExperimentFinished(result, null));
        Assert.Equal(("finished", 3), (State, Trials));
        string last = File.ReadAllText(Page);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(last, File.ReadAllText(Page));
    }

    [Fact]
    public void A_cancelled_search_leaves_what_it_has_found()
    {
        using var cancellation = new CancellationTokenSource();
        var stop = new Events { OnEvent = e => { if (e is PeftRungReported) cancellation.Cancel(); } };
        using var search = Search.Open(SyntheticSearch.Plan(_directory.File("search")), SyntheticSearch.Tuner("ASHA"), new SyntheticRunner(), [new PeftReportMonitor(Page), stop], TimeProvider.System);
        Assert.ThrowsAny<OperationCanceledException>(() => search.RunAsync(cancellation.Token).GetAwaiter().GetResult());
        Assert.Equal(("cancelled", 2), (State, Trials));
    }

    [Fact]
    public void A_failed_search_says_why()
    {
        var runner = new SyntheticRunner { BeforeEpoch = (_, _, _) => throw new InvalidOperationException("no epoch") };
        SyntheticSearch.Run(SyntheticSearch.Plan(_directory.File("search")), runner: runner, monitor: new PeftReportMonitor(Page), expectsNothing: true);
        Assert.Equal("failed", State);
        Assert.Contains("no epoch", Data.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_search_that_goes_on_has_its_earlier_trials_on_the_page()
    {
        var plan = SyntheticSearch.Plan(_directory.File("search"));
        SyntheticSearch.Run(plan with { MaxTrials = 5 });
        var result = SyntheticSearch.Run(plan with { MaxTrials = 9 }, monitor: new PeftReportMonitor(Page));
        Assert.Equal(("finished", result.Trials.Count), (State, Trials));
        Assert.Equal(result.Trials[1].RungResults[0].Elapsed.TotalSeconds, Data.GetProperty("trials")[1].GetProperty("rungResults")[0].GetProperty("elapsed").GetDouble());
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_told_before_the_first_trial()
    {
        var events = new Events();
        using var search = Search.Open(
            SyntheticSearch.Plan(_directory.File("search")), SyntheticSearch.Tuner("ASHA"), new SyntheticRunner(), [events, new PeftReportMonitor(_directory.File("missing/report.html"))], TimeProvider.System);
        var error = Assert.ThrowsAny<IOException>(() => search.RunAsync(CancellationToken.None).GetAwaiter().GetResult());
        Assert.Contains("could not be written", error.Message, StringComparison.Ordinal);
        Assert.Empty(events.Of<PeftTrialStarted>());
    }

    [Fact]
    public void A_disk_that_fails_later_ends_the_search_at_its_next_event()
    {
        string folder = _directory.File("folder");
        Directory.CreateDirectory(folder);
        var monitor = new PeftReportMonitor(Path.Combine(folder, "report.html"), _time);
        monitor.Report(new PeftExperimentStarted(MadeSearch.Search));
        Directory.Delete(folder, recursive: true);
        monitor.Report(new PeftTrialCompleted(MadeSearch.Baseline));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.ThrowsAny<IOException>(() => monitor.Report(new PeftTrialCompleted(MadeSearch.Baseline)));
    }
}
