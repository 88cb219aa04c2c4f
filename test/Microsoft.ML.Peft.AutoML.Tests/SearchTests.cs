using Microsoft.Extensions.Time.Testing;
using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Tests.Support;
using Microsoft.ML.Peft.AutoML.Trials;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.AutoML.Tests;

public sealed class SearchTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    private SearchPlan Plan => SyntheticSearch.Plan(_directory.Path);

    [Fact]
    public void The_baseline_is_trial_0_and_the_first_to_be_reported()
    {
        var events = new Events();
        var result = SyntheticSearch.Run(Plan with { MaxConcurrentTrials = 3 }, monitor: events);
        Assert.True(result.Trials[0] is { IsBaseline: true, Method: "linear probe", Status: PeftTrialStatus.Completed, AdapterPath: null });
        Assert.Equal(0, events.Of<PeftTrialCompleted>().First().Trial.TrialId);
        Assert.True(events.All.FindIndex(e => e is PeftTrialCompleted) < events.All.FindIndex(e => e is PeftTrialStarted { Trial.TrialId: > 0 }));
    }

    [Fact]
    public void The_result_says_plainly_that_no_soft_prompt_beats_the_baseline()
    {
        var result = SyntheticSearch.Run(Plan);
        Assert.False(result.BeatsBaseline);
        Assert.True(result.ImprovementOverBaseline < 0);
        Assert.StartsWith("No soft prompt beats the linear probe's 9.8000", result.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void The_result_says_so_when_one_does()
    {
        var result = SyntheticSearch.Run(Plan with { MaxTrials = 100, Spaces = Landscapes.One }, "TPE");
        Assert.True(result.BeatsBaseline, result.Summary);
        Assert.Contains("beats the linear probe's", result.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void Promoted_trials_go_on_from_their_checkpoint_and_are_never_retrained()
    {
        var runner = new SyntheticRunner();
        var result = SyntheticSearch.Run(Plan with { MaxTrials = 27 }, runner: runner);
        Assert.Contains(result.Trials, trial => trial is { IsBaseline: false, Status: PeftTrialStatus.Completed, Rung: 2, Epochs: 9 });
        Assert.Contains(result.Trials, trial => trial is { Status: PeftTrialStatus.Paused, Rung: 0, Epochs: 1 });
        Assert.All(result.Trials.Skip(1), trial => Assert.Equal(trial.Epochs, runner.EpochsTrained[trial.TrialId]));
    }

    [Fact]
    public void The_winner_is_trained_on_all_rows_in_the_end_and_only_once()
    {
        int refits = 0;
        var runner = new SyntheticRunner { BeforeRefit = (_, _) => refits++ };
        var events = new Events();
        var result = SyntheticSearch.Run(Plan with { Refit = true }, runner: runner, monitor: events);
        Assert.True(result.Best is { IsRefit: true, AdapterBytes: SyntheticRunner.RefitBytes });
        Assert.StartsWith("all rows", File.ReadAllText(Path.Combine(result.Best!.AdapterPath!, "values")), StringComparison.Ordinal);
        Assert.Equal([typeof(PeftRefitStarted), typeof(PeftRefitCompleted), typeof(PeftExperimentFinished)], events.All.TakeLast(3).Select(e => e.GetType()));
        Assert.True(SyntheticSearch.Run(Plan with { Refit = true }, runner: runner).Best!.IsRefit);
        Assert.Equal(1, refits);
    }

    [Fact]
    public void A_search_that_finds_a_better_trial_later_trains_that_one_on_all_rows()
    {
        var trained = new List<string>();
        var runner = new SyntheticRunner { BeforeRefit = (request, _) => trained.Add(request.Configuration.Key) };
        var first = SyntheticSearch.Run(Plan with { Refit = true, MaxTrials = 4 }, "random", runner);
        var second = SyntheticSearch.Run(Plan with { Refit = true, MaxTrials = 40 }, "random", runner);
        Assert.NotEqual(first.Best!.TrialId, second.Best!.TrialId);
        Assert.True(second.Best.IsRefit);
        Assert.Equal(2, trained.Distinct().Count());
    }

    [Fact]
    public void If_training_on_all_rows_fails_the_search_says_so_and_keeps_the_trials_own_model()
    {
        var runner = new SyntheticRunner { BeforeRefit = (_, _) => throw new InvalidDataException("the disk is full.") };
        using var search = Search.Open(Plan with { Refit = true }, SyntheticSearch.Tuner("ASHA"), runner, [], TimeProvider.System);
        var error = Assert.Throws<InvalidOperationException>(() => search.RunAsync(CancellationToken.None).GetAwaiter().GetResult());
        Assert.Contains("SetRefit(false)", error.Message, StringComparison.Ordinal);
        Assert.True(search.State.Result.Best is { IsRefit: false } best && Directory.Exists(best.AdapterPath));
    }

    [Fact]
    public void Only_what_is_needed_stays_on_the_disk()
    {
        var result = SyntheticSearch.Run(Plan with { MaxTrials = 27 });
        Assert.All(result.Trials.Skip(1), trial =>
        {
            string directory = Path.GetDirectoryName(Path.GetDirectoryName(trial.AdapterPath))!;
            Assert.Equal(trial.Status == PeftTrialStatus.Paused, Directory.Exists(Path.Combine(directory, "checkpoint")));
            Assert.True(File.Exists(Path.Combine(trial.AdapterPath!, "values")));
            Assert.Single(Directory.GetDirectories(directory, "rung-*"));
        });
    }

    [Fact]
    public void The_trial_with_the_best_metric_wins()
    {
        var result = SyntheticSearch.Run(Plan, "random");
        Assert.Equal(result.Trials.Skip(1).Max(trial => trial.Metric), result.Best!.Metric);
        Assert.Equal(12, result.Trials.Count - 1);
    }

    [Fact]
    public void A_metric_of_which_less_is_better_is_minimised()
    {
        var result = SyntheticSearch.Run(Plan with { Metric = new Metric("LogLoss", LowerIsBetter: true) }, "random");
        Assert.Equal(result.Trials.Skip(1).Min(trial => trial.Metric), result.Best!.Metric);
        Assert.True(result.LowerIsBetter);
    }

    [Theory]
    [InlineData("random")]
    [InlineData("grid")]
    public void Random_and_grid_search_run_the_same_trials_whatever_the_concurrency(string tuner)
    {
        string one = SyntheticSearch.Describe(SyntheticSearch.Run(Plan with { Directory = _directory.File("1") }, tuner));
        var waits = new Random(1);
        var runner = new SyntheticRunner { BeforeEpoch = (_, _, _) => Thread.Sleep(waits.Next(3)) };
        Assert.Equal(one, SyntheticSearch.Describe(SyntheticSearch.Run(Plan with { Directory = _directory.File("4"), MaxConcurrentTrials = 4 }, tuner, runner)));
    }

    [Theory]
    [InlineData("ASHA")]
    [InlineData("TPE")]
    [InlineData("BOHB")]
    public void One_trial_at_a_time_is_repeatable_with_every_tuner(string tuner)
    {
        string Result(string name, int seed) => SyntheticSearch.Describe(SyntheticSearch.Run(Plan with { Directory = _directory.File(name), MaxTrials = 20, Seed = seed }, tuner));
        Assert.Equal(Result("a", 7), Result("b", 7));
        Assert.NotEqual(Result("c", 8), Result("d", 9));
    }

    [Fact]
    public void No_more_trials_run_at_a_time_than_allowed()
    {
        using var together = new CountdownEvent(3);
        var runner = new SyntheticRunner
        {
            BeforeEpoch = (_, _, token) =>
            {
                if (!together.IsSet)
                {
                    together.Signal();
                    together.Wait(token);
                }
            },
        };
        SyntheticSearch.Run(Plan with { MaxConcurrentTrials = 3 }, "random", runner);
        Assert.Equal(3, runner.MostRunning);
    }

    [Fact]
    public void A_failed_trial_is_recorded_with_its_reason_and_the_search_goes_on()
    {
        var runner = new SyntheticRunner
        {
            BeforeEpoch = (request, epoch, _) =>
            {
                if (epoch == 2)
                    throw request.Id switch
                    {
                        2 => new DivergedException("The loss became NaN."),
                        3 => new OutOfMemoryException(),
                        4 => new System.Runtime.InteropServices.ExternalException("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes."),
                        5 => new InvalidDataException("A file is broken."),
                        6 => new OperationCanceledException("Nobody asked for it."),
                        _ => new NotSupportedException("All others, too."),
                    };
            },
        };
        var events = new Events();
        var result = SyntheticSearch.Run(Plan, "ASHA", runner, events);
        Assert.All(result.Trials.Where(trial => trial.Epochs > 1), trial => Assert.Fail($"{trial.TrialId} trained on"));
        Assert.Contains(result.Trials, trial => trial.Status == PeftTrialStatus.Failed);

        var full = SyntheticSearch.Run(Plan with { Directory = _directory.File("full"), MaxTrials = 6 }, "random", new SyntheticRunner { BeforeEpoch = runner.BeforeEpoch }, events, expectsNothing: true);
        Assert.Equal(
            [PeftFailureReason.Error, PeftFailureReason.Diverged, PeftFailureReason.OutOfMemory, PeftFailureReason.OutOfMemory, PeftFailureReason.Error, PeftFailureReason.Error],
            full.Trials.Skip(1).Select(trial => trial.Failure!.Reason));
        Assert.Equal("The loss became NaN.", full.Trials[2].Failure!.Message);
        Assert.Equal(6, events.Of<PeftTrialFailed>().Count(e => e.Trial.Failure!.Message.Length > 0 && e.Trial.Epochs == 1 && e.Trial.Rung == -1));
    }

    [Fact]
    public void A_trial_that_fails_later_keeps_what_it_had_reached()
    {
        var runner = new SyntheticRunner { BeforeEpoch = (_, epoch, _) => { if (epoch > 1) throw new DivergedException("Now."); } };
        var result = SyntheticSearch.Run(Plan, runner: runner);
        var failed = result.Trials.First(trial => trial.Status == PeftTrialStatus.Failed);
        Assert.True(failed is { Rung: 0, Epochs: 1 } && double.IsFinite(failed.Metric));
        Assert.True(File.Exists(Path.Combine(failed.AdapterPath!, "values")));
        Assert.Equal(result.Trials.Skip(1).Max(trial => trial.Metric), result.Best!.Metric);
    }

    [Fact]
    public void A_metric_that_is_no_number_is_a_divergence()
    {
        var result = SyntheticSearch.Run(Plan with { Metric = new Metric("Absent"), MaxTrials = 2 }, "random", expectsNothing: true);
        Assert.All(result.Trials.Skip(1), trial => Assert.Equal(PeftFailureReason.Diverged, trial.Failure!.Reason));
    }

    [Fact]
    public void A_search_in_which_nothing_works_ends_with_the_first_reason()
    {
        var runner = new SyntheticRunner { BeforeEpoch = (_, _, _) => throw new InvalidDataException("The weights are broken.") };
        var error = Assert.Throws<InvalidOperationException>(() => SyntheticSearch.Run(Plan with { MaxTrials = 10_000 }, runner: runner));
        Assert.Contains("10 failed", error.Message, StringComparison.Ordinal);
        Assert.Contains("The weights are broken.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failed_baseline_stops_nothing()
    {
        var result = SyntheticSearch.Run(Plan, runner: new SyntheticRunner { BeforeBaseline = () => throw new InvalidOperationException("Singular.") });
        Assert.Null(result.Baseline);
        Assert.Contains("no baseline", result.Summary, StringComparison.Ordinal);
        Assert.Equal(PeftTrialStatus.Failed, result.Trials[0].Status);
    }

    [Fact]
    public void A_trial_over_its_time_is_stopped_and_the_search_goes_on()
    {
        var time = new FakeTimeProvider();
        var runner = new SyntheticRunner
        {
            BeforeEpoch = (request, epoch, token) =>
            {
                if (request.Id != 3 || epoch < 4)
                    return;
                time.Advance(TimeSpan.FromSeconds(61));
                token.WaitHandle.WaitOne();
            },
        };
        var result = SyntheticSearch.Run(Plan with { MaxTrialTime = TimeSpan.FromMinutes(1) }, "random", runner, time: time);
        Assert.Equal(PeftFailureReason.TimeLimit, result.Trials[3].Failure!.Reason);
        Assert.Equal(3, result.Trials[3].Epochs);
        Assert.Equal(11, result.Trials.Count(trial => trial is { IsBaseline: false, Status: PeftTrialStatus.Completed }));
    }

    [Fact]
    public void A_trial_over_its_memory_is_stopped_and_the_search_goes_on()
    {
        var time = new FakeTimeProvider();
        var hoard = new List<byte[]>();
        var runner = new SyntheticRunner
        {
            BeforeEpoch = (request, _, token) =>
            {
                if (request.Id != 2)
                    return;
                for (int i = 0; i < 40 && !token.IsCancellationRequested; i++)
                {
                    hoard.Add(GC.AllocateUninitializedArray<byte>(16_000_000));
                    hoard[^1].AsSpan().Fill(1);
                    time.Advance(TimeSpan.FromMilliseconds(100));
                }
                Assert.True(token.WaitHandle.WaitOne(TimeSpan.FromSeconds(30)));
            },
        };
        var result = SyntheticSearch.Run(Plan with { MaxTrialMegabytes = 256, MaxTrials = 4 }, "random", runner, time: time);
        Assert.Equal(PeftFailureReason.MemoryLimit, result.Trials[2].Failure!.Reason);
        Assert.Equal(3, result.Trials.Count(trial => trial is { IsBaseline: false, Status: PeftTrialStatus.Completed }));
    }

    [Fact]
    public void When_the_time_is_used_up_the_best_so_far_is_the_result()
    {
        var time = new FakeTimeProvider();
        var runner = new SyntheticRunner { BeforeEpoch = (_, _, _) => time.Advance(TimeSpan.FromSeconds(1)) };
        var result = SyntheticSearch.Run(Plan with { MaxTrials = null, MaxTime = TimeSpan.FromSeconds(50) }, "random", runner, time: time);
        Assert.Equal(5, result.Trials.Count(trial => trial is { IsBaseline: false, Status: PeftTrialStatus.Completed }));
        Assert.Equal(PeftTrialStatus.Running, result.Trials[^1].Status);
        Assert.NotNull(result.Best);
        Assert.InRange(result.Duration.TotalSeconds, 45, 51);
    }

    [Theory]
    [InlineData(30)]
    [InlineData(60)]
    public void Before_the_time_is_used_up_the_best_trial_is_trained_to_the_end(int seconds)
    {
        var time = new FakeTimeProvider();
        // An epoch's own report says an eighth of a second; the clock tells as much.
        var runner = new SyntheticRunner { BeforeEpoch = (_, _, _) => time.Advance(TimeSpan.FromSeconds(SyntheticRunner.EpochSeconds)) };
        var result = SyntheticSearch.Run(Plan with { MaxTrials = null, MaxTime = TimeSpan.FromSeconds(seconds * SyntheticRunner.EpochSeconds) }, runner: runner, time: time);
        Assert.Contains(result.Trials, trial => trial is { IsBaseline: false, Status: PeftTrialStatus.Completed });
        Assert.Equal(result.Trials.Where(trial => !trial.IsBaseline).Max(trial => trial.Epochs), result.Best!.Epochs);
        Assert.True(result.Trials.Count > 4, "Others were tried before.");
    }

    [Fact]
    public void Time_that_ends_before_any_result_is_an_error_that_says_so()
    {
        var time = new FakeTimeProvider();
        var runner = new SyntheticRunner { BeforeEpoch = (_, _, _) => time.Advance(TimeSpan.FromSeconds(1)) };
        Assert.Contains("allow more time", Assert.Throws<TimeoutException>(() => SyntheticSearch.Run(Plan with { MaxTime = TimeSpan.FromSeconds(3) }, "random", runner, time: time)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancellation_stops_the_trials_and_a_later_run_goes_on()
    {
        string whole = SyntheticSearch.Describe(SyntheticSearch.Run(Plan with { Directory = _directory.File("whole") }));
        using var cancellation = new CancellationTokenSource();
        var runner = new SyntheticRunner { BeforeEpoch = (request, epoch, _) => { if (request.Id == 5) cancellation.Cancel(); } };
        var events = new Events();
        Assert.ThrowsAny<OperationCanceledException>(() => SyntheticSearch.Run(Plan, runner: runner, monitor: events, cancellationToken: cancellation.Token));
        Assert.IsAssignableFrom<OperationCanceledException>(Assert.IsType<PeftExperimentFinished>(events.All[^1]).Error);
        Assert.Equal(whole, SyntheticSearch.Describe(SyntheticSearch.Run(Plan)));
    }

    [Fact]
    public void What_a_monitor_throws_ends_the_search_and_a_later_run_goes_on()
    {
        string whole = SyntheticSearch.Describe(SyntheticSearch.Run(Plan with { Directory = _directory.File("whole") }));
        var monitor = new Events { OnEvent = e => { if (e is PeftRungReported { Trial.TrialId: 4 }) throw new IOException("The report's disk is full."); } };
        Assert.Equal("The report's disk is full.", Assert.Throws<IOException>(() => SyntheticSearch.Run(Plan with { MaxConcurrentTrials = 1 }, monitor: monitor)).Message);
        Assert.Equal(whole, SyntheticSearch.Describe(SyntheticSearch.Run(Plan)));
    }

    [Fact]
    public void The_end_is_the_last_event_however_it_comes_but_not_for_the_monitor_that_threw()
    {
        var broken = new Events { OnEvent = e => { if (e is PeftRungReported { Trial.TrialId: 4 }) throw new IOException("The report's disk is full."); } };
        Assert.Equal("The report's disk is full.", End(new SyntheticRunner(), broken).Error!.Message);
        Assert.Empty(broken.Of<PeftExperimentFinished>());
        Assert.IsType<InvalidOperationException>(End(new SyntheticRunner { BeforeEpoch = (_, _, _) => throw new InvalidOperationException("hopeless") }).Error);
        Assert.Null(End(new SyntheticRunner()).Error);

        var late = new Events { OnEvent = e => { if (e is PeftExperimentFinished) throw new IOException("The disk is full at the end."); } };
        Assert.Null(End(new SyntheticRunner(), late).Error);
    }

    private PeftExperimentFinished End(SyntheticRunner runner, params Events[] others)
    {
        var last = new Events();
        using var search = Search.Open(Plan with { Directory = _directory.File(Path.GetRandomFileName()) }, SyntheticSearch.Tuner("random"), runner, [.. others, last], TimeProvider.System);
        var error = Record.Exception(() => search.RunAsync(CancellationToken.None).GetAwaiter().GetResult());
        Assert.Equal(others.Length > 0 || runner.EpochsTrained.Count == 0, error is not null);
        return Assert.IsType<PeftExperimentFinished>(last.All[^1]);
    }

    [Fact]
    public void A_trials_results_at_its_rungs_have_the_times_at_which_they_came()
    {
        var events = new Events();
        var result = SyntheticSearch.Run(Plan with { MaxTrials = 27 }, monitor: events);
        var reported = events.Of<PeftRungReported>().ToLookup(e => e.Trial.TrialId, e => (e.Rung, e.Trial.Epochs, e.Trial.Metric, e.Elapsed));
        Assert.Contains(result.Trials, trial => trial.RungResults.Count == 3);
        Assert.All(result.Trials.Where(trial => !trial.IsBaseline), trial =>
            Assert.Equal(reported[trial.TrialId], trial.RungResults.Select(rung => (rung.Rung, rung.Epochs, rung.Metric, rung.Elapsed))));
    }

    [Fact]
    public void Monitors_see_every_step_in_order()
    {
        var events = new Events();
        var result = SyntheticSearch.Run(Plan with { MaxTrials = 27 }, monitor: events);
        Assert.True(events.All[0] is PeftExperimentStarted { Search: { MetricName: "Accuracy", Methods.Count: 3, Rungs: [1, 3, 9], MaxTrials: 27 }, IsReplay: false });
        Assert.Same(events.All[^1], Assert.Single(events.Of<PeftExperimentFinished>()));
        Assert.Equal(result.Trials.Sum(trial => trial.Epochs), events.Of<PeftEpochCompleted>().Count());
        Assert.Equal(result.Trials.Skip(1).Sum(trial => trial.Rung + 1), events.Of<PeftRungReported>().Count());
        Assert.Equal(result.Best!.TrialId, events.Of<PeftBestTrialFound>().Last().Trial.TrialId);
        var metrics = events.Of<PeftBestTrialFound>().Select(e => e.Trial.Metric).ToList();
        Assert.Equal(metrics.Order(), metrics);
        Assert.Equal(events.All.Select(e => e.Elapsed), events.All.Select(e => e.Elapsed).Order());
    }

    [Fact]
    public void The_pareto_front_holds_what_is_neither_worse_nor_larger_than_another()
    {
        var result = SyntheticSearch.Run(Plan with { MaxTrials = 40 }, "random");
        var front = result.ParetoFront(PeftCost.AdapterKilobytes);
        Assert.True(front.Count > 1);
        Assert.Equal(result.Best!.TrialId, front[^1].TrialId);
        Assert.Equal(front.Select(trial => trial.AdapterBytes), front.Select(trial => trial.AdapterBytes).Order());
        Assert.All(front, trial => Assert.DoesNotContain(result.Trials.Skip(1), other => other.Metric > trial.Metric && other.AdapterBytes <= trial.AdapterBytes));
    }

    [Fact]
    public void A_search_that_weighs_cost_trains_cheap_trials_to_the_end_too()
    {
        var result = SyntheticSearch.Run(Plan with { MaxTrials = 40, Cost = PeftCost.AdapterKilobytes });
        var plain = SyntheticSearch.Run(Plan with { MaxTrials = 40, Directory = _directory.File("plain") });
        double Size(PeftExperimentResult r) => r.Trials.Where(trial => !trial.IsBaseline && trial.Rung > 0).Average(trial => trial.AdapterBytes);
        Assert.True(Size(result) < 0.95 * Size(plain), $"{Size(result)} is not smaller than {Size(plain)}.");
    }
}
