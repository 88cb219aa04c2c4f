using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Time.Testing;
using Microsoft.ML.Peft.AutoML.Monitoring;
using Microsoft.ML.Peft.AutoML.Tests.Support;
using Spectre.Console;
using Spectre.Console.Rendering;
using Spectre.Console.Testing;

namespace Microsoft.ML.Peft.AutoML.Tests.Monitoring;

public sealed class PeftConsoleMonitorTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Redirected_it_is_plain_lines_one_for_every_result()
    {
        var console = new TestConsole().Width(60);
        var result = SyntheticSearch.Run(SyntheticSearch.Plan(_directory.Path), monitor: new PeftConsoleMonitor(console));
        string[] lines = console.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.DoesNotContain('\u001b', console.Output);
        Assert.StartsWith("Searching for the highest Accuracy among flat, rough, smooth: ", lines[0], StringComparison.Ordinal);
        Assert.Contains("at most 12 trials", lines[0], StringComparison.Ordinal);
        Assert.Matches(@"^\[0:\d\d\] Baseline Model model, linear probe: 9\.8000\.$", lines[1]);
        Assert.Equal(result.Trials.Where(trial => !trial.IsBaseline).Sum(trial => trial.RungResults.Count), lines.Count(line => Regex.IsMatch(line, @"^\[0:\d\d\] Trial \d+, \w+, rung \d, \d epochs: ")));
        Assert.Contains(lines, line => line.Contains($"Trial {result.Best!.TrialId}, {result.Best.Method}, rung {result.Best.Rung}", StringComparison.Ordinal) && line.Contains("the best so far", StringComparison.Ordinal));
        Assert.Contains(lines, line => Regex.IsMatch(line, @"of 12 trials, time left about 0:\d\d\.$"));
        Assert.EndsWith(result.Summary, lines[^1].TrimEnd(), StringComparison.Ordinal);
        Assert.StartsWith("The search has ended after 0:0", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_failed_trial_is_a_line_with_its_reason()
    {
        var console = new TestConsole();
        var monitor = new PeftConsoleMonitor(console);
        monitor.Report(new PeftExperimentStarted(MadeSearch.Search with { MaxTrials = null, MaxTime = null }));
        monitor.Report(new PeftTrialFailed(MadeSearch.Result().Trials[10]));
        monitor.Report(new PeftRungReported(MadeSearch.Result().Trials[1], 0));
        string[] lines = console.Output.Split('\n');
        Assert.StartsWith("[0:00] Trial 10, prefix, failed: Diverged, The loss is \"NaN\", </script>", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("2 trials, time left unknown.", lines[2].TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_search_that_goes_on_tells_what_came_before_in_one_line()
    {
        var plan = SyntheticSearch.Plan(_directory.Path);
        SyntheticSearch.Run(plan with { MaxTrials = 5 }, "random");
        var console = new TestConsole();
        SyntheticSearch.Run(plan with { MaxTrials = 6 }, "random", monitor: new PeftConsoleMonitor(console));
        string[] lines = console.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4, lines.Length);
        Assert.StartsWith("The search goes on after 5 trials", lines[1], StringComparison.Ordinal);
        Assert.Contains("Trial 6, ", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void In_a_terminal_a_table_lives_as_long_as_the_search()
    {
        var console = Terminal();
        var result = SyntheticSearch.Run(SyntheticSearch.Plan(_directory.Path), monitor: new PeftConsoleMonitor(console));
        Assert.Contains("\u001b[", console.Output, StringComparison.Ordinal);
        Assert.Contains("linear probe", console.Output, StringComparison.Ordinal);
        Assert.Contains($"★ {result.Best!.TrialId}", console.Output, StringComparison.Ordinal);
        Assert.Contains("12 of 12 trials", console.Output, StringComparison.Ordinal);
        Assert.Contains(result.Summary, Regex.Replace(console.Output, @"\s*\n", " "), StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_ends_with_a_search_that_is_cancelled_or_fails_or_has_a_broken_monitor()
    {
        using var cancellation = new CancellationTokenSource();
        var cancelling = new Events { OnEvent = e => { if (e is PeftRungReported) cancellation.Cancel(); } };
        Assert.Contains("The search was cancelled", RunToError(cancelling, cancellation.Token), StringComparison.Ordinal);
        var broken = new Events { OnEvent = e => { if (e is PeftRungReported) throw new InvalidOperationException("broken"); } };
        Assert.Contains(": broken", RunToError(broken, CancellationToken.None), StringComparison.Ordinal);
        var hopeless = new SyntheticRunner { BeforeEpoch = (_, _, _) => throw new InvalidOperationException("hopeless") };
        Assert.Contains("hopeless", RunToError(new Events(), CancellationToken.None, hopeless), StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_says_what_there_is_to_know()
    {
        var time = new FakeTimeProvider();
        var progress = new SearchProgress(time);
        var result = MadeSearch.Result(12);
        progress.Add(new PeftExperimentStarted(MadeSearch.Search));
        foreach (var trial in result.Trials)
            progress.Add(new PeftRungReported(trial, 0) { Elapsed = TimeSpan.FromSeconds(100) });
        var running = MadeSearch.Trial(13, "prompt", new Dictionary<string, object?> { ["Rate"] = 0.00123456, ["Wide"] = null }, double.NaN, rung: 1) with { Status = PeftTrialStatus.Running, Rung = -1 };
        progress.Add(new PeftTrialStarted(running, 2, 9) { Elapsed = TimeSpan.FromSeconds(100) });
        time.Advance(TimeSpan.FromSeconds(20));
        string text = Rendered(progress, width: 140, height: 40);
        Assert.Matches(@"0\s+│ linear probe\s+│ Model a-model\s+│\s+│\s+│ 0\.8000 │\s+0:01 │ baseline", text);
        Assert.Matches(@"10\s+│ prefix\s+│ The loss is ""NaN"".*│ Diverged", text);
        Assert.Matches(@"13\s+│ prompt\s+│ Rate 0\.00123, Wide default\s+│\s+│\s+3/9 │\s+│\s+0:03 │ running", text);
        Assert.Matches($@"★ {result.Best!.TrialId} ", text);
        Assert.Matches(@"Best: trial \d+, \w+, 0\.\d{4}, 0\.\d{4} better than the baseline's 0\.8000", text);
        Assert.Contains("12 of 40 trials, 1 failed; 2:00 used, about 8:00 left", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_higher_than_the_terminal_shows_the_baseline_the_best_and_the_latest()
    {
        var progress = new SearchProgress(TimeProvider.System);
        var result = MadeSearch.Result();
        progress.Add(new PeftExperimentStarted(MadeSearch.Search));
        foreach (var trial in result.Trials)
            progress.Add(new PeftRungReported(trial, 0));
        string text = Rendered(progress, width: 100, height: 18);
        Assert.Contains("9 of 31 trials are shown", text, StringComparison.Ordinal);
        Assert.Contains("linear probe", text, StringComparison.Ordinal);
        Assert.Contains($"★ {result.Best!.TrialId} ", text, StringComparison.Ordinal);
        Assert.Contains(" 30 │", text, StringComparison.Ordinal);
        Assert.InRange(text.TrimEnd().Split('\n').Length, 1, 18);
        Assert.All(text.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 100));
    }

    private string RunToError(Events monitor, CancellationToken cancellationToken, SyntheticRunner? runner = null)
    {
        var console = Terminal();
        string directory = _directory.File(Path.GetRandomFileName());
        using var search = Search.Open(SyntheticSearch.Plan(directory), SyntheticSearch.Tuner("random"), runner ?? new SyntheticRunner(), [new PeftConsoleMonitor(console), monitor], TimeProvider.System);
        Assert.ThrowsAny<Exception>(() => search.RunAsync(cancellationToken).GetAwaiter().GetResult());
        return Regex.Replace(console.Output, @"\s*\n", " ");
    }

    private static string Rendered(SearchProgress progress, int width, int height)
    {
        var console = new TestConsole().Width(width).Height(height).SupportsUnicode(true);
        console.Write(new ProgressTable(progress, console.Profile).Render());
        return console.Output;
    }

    private static TestConsole Terminal()
    {
        var console = new TestConsole().Width(120).Height(60).SupportsUnicode(true).SupportsAnsi(true).Interactive().EmitAnsiSequences();
        console.Profile.Out = new TerminalOutput(console.Profile.Out);
        return console;
    }

    /// <summary>The test console's output as that of a terminal.</summary>
    private sealed class TerminalOutput(IAnsiConsoleOutput output) : IAnsiConsoleOutput
    {
        public TextWriter Writer => output.Writer;

        public bool IsTerminal => true;

        public int Width => output.Width;

        public int Height => output.Height;

        public void SetEncoding(Encoding encoding) => output.SetEncoding(encoding);
    }
}
