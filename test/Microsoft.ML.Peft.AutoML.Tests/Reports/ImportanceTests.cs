using Microsoft.ML.Peft.AutoML.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests.Reports;

public sealed class ImportanceTests
{
    private static readonly PeftSearchedMethod One = new("one",
        [new("Rate", 1e-4, 1, true, []), new("Dropout", 0, 1, false, []), new("Start", null, null, false, ["a", "b", "c"])]);

    private static readonly PeftSearchedMethod Other = new("other", [new("Rate", 1e-4, 1, true, []), new("Wide", null, null, false, [false, true])]);

    [Fact]
    public void An_option_that_decides_alone_explains_nearly_all_and_the_others_nothing()
    {
        var shares = Shares(Trials(60, (rate, _, _) => -Math.Pow(Math.Log10(rate) + 2, 2)));
        Assert.InRange(shares["Rate"], 0.8, 1);
        Assert.InRange(shares["Dropout"], 0, 0.1);
        Assert.InRange(shares["Start"], 0, 0.1);
        Assert.Equal("Rate", shares.First().Key);
    }

    [Fact]
    public void Two_independent_options_share_the_variance_as_they_cause_it()
    {
        // The variances of a unit uniform value with weights 2 and 1 are as 4 to 1.
        var shares = Shares(Trials(400, (rate, dropout, _) => 2 * (Math.Log10(rate) + 4) / 4 + dropout));
        Assert.InRange(shares["Rate"], 0.7, 0.85);
        Assert.InRange(shares["Dropout"], 0.12, 0.25);
    }

    [Fact]
    public void A_choice_explains_the_difference_between_its_values()
    {
        var shares = Shares(Trials(60, (_, dropout, start) => start == "b" ? 1 : 0.001 * dropout));
        Assert.InRange(shares["Start"], 0.6, 1);
        Assert.Equal("Start", shares.First().Key);
    }

    [Fact]
    public void The_share_of_a_choice_is_the_leave_one_out_R_squared_of_its_means()
    {
        // Ranks 1 to 5 have a, 6 to 10 have b. Leaving one out, errors within a group are (r - 3) * 5/4, against the rest (r - 5.5) * 10/9.
        var trials = Enumerable.Range(1, 10).Select(i => MadeSearch.Trial(i, "one", Options(0.01, 0.5, i <= 5 ? "a" : "b"), i)).ToList();
        double within = 2 * (4 + 1 + 0 + 1 + 4) * Math.Pow(5 / 4.0, 2), all = 82.5 * Math.Pow(10 / 9.0, 2);
        Assert.Equal(1 - within / all, Shares(trials)["Start"], 1e-12);
        Assert.Equal(0, Shares(trials)["Rate"]);
    }

    [Fact]
    public void Chance_explains_nothing()
    {
        var random = new Random(5);
        Assert.All(Shares(Trials(50, (_, _, _) => random.NextDouble())).Values, share => Assert.InRange(share, 0, 0.12));
    }

    [Fact]
    public void A_diverged_metric_does_not_outweigh_all_others()
    {
        var trials = Trials(60, (rate, _, _) => Math.Log10(rate));
        int worst = trials.FindIndex(trial => trial.Metric == trials.Min(other => other.Metric));
        var before = Shares(trials);
        trials[worst] = MadeSearch.Trial(trials[worst].TrialId, "one", trials[worst].Parameters, -1e12);
        Assert.Equal(before, Shares(trials));
    }

    [Fact]
    public void Over_all_methods_the_method_and_what_they_share_is_compared()
    {
        var trials = Trials(30, (_, _, _) => 1).Select((trial, i) => i % 2 == 0 ? MadeSearch.Trial(i + 1, "one", trial.Parameters, 1 + i / 1000.0)
            : MadeSearch.Trial(i + 1, "other", new Dictionary<string, object?> { ["Rate"] = trial.Parameters["Rate"], ["Wide"] = i % 4 == 1 }, 2 + i / 1000.0)).ToList();
        var importance = Result(trials).OptionImportance();
        Assert.Equal(["Method", "Rate"], importance.Options.Keys.Order(StringComparer.Ordinal));
        Assert.InRange(importance.Options["Method"], 0.7, 1);
        Assert.Equal(["Rate", "Wide"], Result(trials).OptionImportance("other").Options.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(15, Result(trials).OptionImportance("other").Trials);
    }

    [Fact]
    public void Too_few_trials_and_trials_that_are_all_equal_have_no_shares()
    {
        var few = Result(Trials(9, (rate, _, _) => rate)).OptionImportance("one");
        Assert.True(few is { Trials: 9, Options.Count: 0, Epochs: 1 });
        Assert.Empty(Result(Trials(20, (_, _, _) => 0.5)).OptionImportance("one").Options);
        Assert.True(Result([]).OptionImportance() is { Trials: 0, Options.Count: 0, Epochs: 0 });
    }

    [Fact]
    public void Trials_are_compared_after_the_same_epochs()
    {
        var result = MadeSearch.Result();
        var importance = result.OptionImportance();
        Assert.Equal(1, importance.Epochs);
        Assert.Equal(result.Trials.Count(trial => !trial.IsBaseline && trial.Failure is null), importance.Trials);
    }

    [Fact]
    public void A_method_that_was_not_searched_is_refused()
        => Assert.Contains("'nothing' was not searched", Assert.Throws<ArgumentException>(() => MadeSearch.Result().OptionImportance("nothing")).Message, StringComparison.Ordinal);

    private static IReadOnlyDictionary<string, double> Shares(IReadOnlyList<PeftTrialResult> trials) => Result(trials).OptionImportance("one").Options;

    private static PeftExperimentResult Result(IReadOnlyList<PeftTrialResult> trials) => new(MadeSearch.Search with { Methods = [One, Other] }, trials, TimeSpan.FromSeconds(1));

    private static List<PeftTrialResult> Trials(int count, Func<double, double, string, double> metric)
    {
        var random = new Random(3);
        return [.. Enumerable.Range(1, count).Select(id =>
        {
            double rate = Math.Pow(10, -4 + 4 * random.NextDouble()), dropout = random.NextDouble();
            string start = "abc"[random.Next(3)].ToString();
            return MadeSearch.Trial(id, "one", Options(rate, dropout, start), metric(rate, dropout, start));
        })];
    }

    private static Dictionary<string, object?> Options(double rate, double dropout, string start) => new() { ["Rate"] = rate, ["Dropout"] = dropout, ["Start"] = start };
}
