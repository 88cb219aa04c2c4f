using Microsoft.ML.Peft.AutoML.Reports;
using Microsoft.ML.Peft.AutoML.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests.Reports;

/// <summary>Opens the page in a browser and reads what is drawn, by the scales that the axes show.</summary>
public sealed class ReportPageTests(Chromium chromium) : IClassFixture<Chromium>, IDisposable
{
    private const string Ink = "rgb(28, 35, 48)";
    private const double Pixels = 2;

    private static readonly Dictionary<string, string> Colors = new() { ["prefix"] = "rgb(47, 126, 216)", ["prompt"] = "rgb(224, 118, 26)" };

    private readonly TemporaryDirectory _directory = new();
    private readonly PeftExperimentResult _result = MadeSearch.Result();

    public void Dispose() => _directory.Dispose();

    private IEnumerable<PeftTrialResult> Judged => _result.Trials.Where(trial => !trial.IsBaseline && trial.RungResults.Count > 0);

    private string Saved
    {
        get
        {
            _result.SaveReport(_directory.File("report.html"));
            return _directory.File("report.html");
        }
    }

    [SkippableFact]
    public async Task Every_result_is_a_point_at_its_time_and_metric_and_a_line_follows_the_best()
    {
        await using var page = await chromium.OpenAsync(Saved);
        var chart = await page.ChartAsync("progress");
        var (x, y) = (chart.Horizontal(text => text.Contains(':', StringComparison.Ordinal) ? Seconds(text) : "none"), chart.Vertical());
        foreach (var (method, color) in Colors)
        {
            AssertPoints(
                [.. Judged.Where(trial => trial.Method == method).SelectMany(trial => trial.RungResults).Select(rung => (x(rung.Elapsed.TotalSeconds), y(rung.Metric)))],
                chart.Filled(color));
        }
        var best = Assert.Single(chart.Lines(Ink));
        AssertNear(y(_result.Best!.RungResults[^1].Metric), best.Corners[^1].Y);
        AssertNear(x(_result.Duration.TotalSeconds), best.Corners[^1].X);
        Assert.Contains(chart.Texts, text => text.Text == "linear probe 0.8" && Math.Abs(text.Y - y(0.8)) < 20);
    }

    [SkippableFact]
    public async Task Every_trial_has_a_learning_curve_through_its_epochs()
    {
        await using var page = await chromium.OpenAsync(Saved);
        var chart = await page.ChartAsync("curves");
        AssertCurves(chart, epoch => epoch.Metric!.Value);
        await page.ClickAsync("[data-for=curves] button[value=loss]");
        AssertCurves(await page.ChartAsync("curves"), epoch => epoch.TrainingLoss);
    }

    [SkippableFact]
    public async Task Every_trial_with_a_result_is_a_line_through_all_axes()
    {
        await using var page = await chromium.OpenAsync(Saved);
        foreach (string tab in new[] { "", "prefix", "prompt" })
        {
            await page.ClickAsync($"[data-for=parallel] button[value='{tab}']");
            var chart = await page.ChartAsync("parallel");
            string[] axes = tab switch { "" => ["method", "Rate", "Dropout", "epochs", "Accuracy"], "prefix" => ["Rate", "Dropout", "Start", "epochs", "Accuracy"], _ => ["Rate", "Dropout", "Wide", "epochs", "Accuracy"] };
            var places = axes.Select(axis => Assert.Single(chart.Texts, text => text.Text == axis).X).ToList();
            foreach (var (method, color) in Colors)
            {
                var lines = chart.Lines(color);
                Assert.Equal(Judged.Count(trial => trial.Method == method && tab is "" or null || trial.Method == method && tab == method), lines.Count);
                Assert.All(lines, line => Assert.Equal(places, line.Corners.Select(corner => corner.X), (a, b) => Math.Abs(a - b) < Pixels));
            }
        }
    }

    [SkippableFact]
    public async Task The_bars_of_importance_are_as_long_as_the_shares()
    {
        await using var page = await chromium.OpenAsync(Saved);
        var importance = _result.OptionImportance();
        Assert.Equal("Rate", importance.Options.First().Key);
        var chart = await page.ChartAsync("importance");
        var x = chart.Horizontal(text => text.EndsWith(" %", StringComparison.Ordinal) ? text[..^2] : "none");
        foreach (var (name, share) in importance.Options)
        {
            var label = Assert.Single(chart.Texts, text => text.Text == name);
            var bar = chart.Filled("rgb(40, 104, 200)").Where(mark => Math.Abs(mark.Y - label.Y) < Pixels).ToList();
            AssertNear(x(100 * share), bar.Count == 0 ? x(0) : bar.Max(mark => mark.Left + mark.Width));
        }
        Assert.Contains($"{importance.Trials} trials after 1 epochs", await page.TextAsync("#importance-note"), StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("kilobytes", PeftCost.AdapterKilobytes)]
    [InlineData("milliseconds", PeftCost.MillisecondsPerText)]
    public async Task The_Pareto_front_goes_through_the_trials_on_it(string id, PeftCost cost)
    {
        await using var page = await chromium.OpenAsync(Saved);
        var chart = await page.ChartAsync(id);
        var (x, y) = (chart.Horizontal(), chart.Vertical());
        (double, double) Place(PeftTrialResult trial) => (x(PeftExperimentResult.CostOf(trial, cost)), y(trial.Metric));
        foreach (var (method, color) in Colors)
            AssertPoints([.. Judged.Where(trial => trial.Method == method).Select(Place)], chart.Filled(color));
        var front = Assert.Single(chart.Lines(Ink));
        Assert.True(_result.ParetoFront(cost).Count >= 2);
        Assert.All(_result.ParetoFront(cost).Select(Place), point => Assert.Contains(front.Corners, corner => IsNear(point, corner)));
        Assert.Equal(2 * _result.ParetoFront(cost).Count - 1, front.Corners.Count);
    }

    [SkippableFact]
    public async Task The_page_asks_for_nothing_complains_of_nothing_and_says_what_was_found()
    {
        string file = Saved;
        await using var page = await chromium.OpenAsync(file);
        Assert.Equal([new Uri(file).AbsoluteUri], page.Requests);
        Assert.Empty(page.Complaints);
        Assert.Equal(_result.Summary, await page.TextAsync("#summary"));
        Assert.Equal(_result.Trials.Count, await page.Page.EvaluateExpressionAsync<int>("document.querySelectorAll('#trials tbody tr').length"));
        Assert.Contains($"★ {_result.Best!.TrialId}", await page.TextAsync("#trials tbody tr"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Texts_of_the_search_are_never_read_as_HTML()
    {
        await using var page = await chromium.OpenAsync(Saved);
        Assert.DoesNotContain("hacked", await page.Page.GetTitleAsync(), StringComparison.Ordinal);
        Assert.Equal(0, await page.Page.EvaluateExpressionAsync<int>("document.querySelectorAll('img').length"));
        Assert.Contains("</script><script>document.title = 'hacked'</script>", await page.TextAsync("#trials"), StringComparison.Ordinal);
        Assert.Contains("failed: Diverged", await page.TextAsync("#trials"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_method_is_hidden_and_shown_in_all_charts_by_its_name()
    {
        await using var page = await chromium.OpenAsync(Saved);
        await page.ClickAsync("#legend button");
        foreach (string id in new[] { "progress", "kilobytes", "milliseconds", "parallel", "curves" })
        {
            var chart = await page.ChartAsync(id);
            Assert.Empty(chart.Filled(Colors["prefix"]).Concat(chart.Lines(Colors["prefix"])));
            Assert.NotEmpty(chart.Filled(Colors["prompt"]).Concat(chart.Lines(Colors["prompt"])));
        }
        await page.ClickAsync("#legend button");
        Assert.NotEmpty((await page.ChartAsync("progress")).Filled(Colors["prefix"]));
        Assert.Empty(page.Complaints);
    }

    [SkippableTheory]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    [InlineData(400, false)]
    [InlineData(400, true)]
    public async Task It_fits_wide_and_narrow_windows_in_light_and_dark(int width, bool dark)
    {
        await using var page = await chromium.OpenAsync(Saved, width, dark: dark);
        Assert.Empty(page.Complaints);
        Assert.Equal(width, await page.Page.EvaluateExpressionAsync<int>("document.documentElement.scrollWidth"));
        Assert.Equal(dark ? "rgb(18, 21, 27)" : "rgb(245, 246, 248)", await page.Page.EvaluateExpressionAsync<string>("getComputedStyle(document.body).backgroundColor"));
        await page.ClickAsync("#theme");
        Assert.Equal(dark ? "rgb(245, 246, 248)" : "rgb(18, 21, 27)", await page.Page.EvaluateExpressionAsync<string>("getComputedStyle(document.body).backgroundColor"));
        Assert.NotEmpty((await page.ChartAsync("progress")).Filled(Colors["prefix"]));
    }

    [SkippableFact]
    public async Task A_result_far_off_is_drawn_at_the_end_of_the_axis_and_leaves_the_others_their_room()
    {
        var options = new Dictionary<string, object?> { ["Rate"] = 0.1, ["Dropout"] = 0.1, ["Start"] = "text" };
        var far = MadeSearch.Trial(31, "prefix", options, -1000);
        new PeftExperimentResult(MadeSearch.Search, [.. _result.Trials, far], TimeSpan.FromSeconds(400)).SaveReport(_directory.File("report.html"));
        await using var page = await chromium.OpenAsync(_directory.File("report.html"));
        foreach (string id in new[] { "progress", "kilobytes" })
        {
            var chart = await page.ChartAsync(id);
            Assert.True(chart.Vertical()(0.7) - chart.Vertical()(0.8) > 30, "0.7 and 0.8 are drawn on top of each other.");
            var marks = chart.Filled(Colors["prefix"]);
            var triangle = Assert.Single(marks, mark => !mark.Path.Contains('A', StringComparison.Ordinal));
            Assert.InRange(triangle.Y, marks.Where(mark => mark != triangle).Max(mark => mark.Y), 320);
        }
        var lines = (await page.ChartAsync("parallel")).Lines(Colors["prefix"]);
        Assert.Equal(Judged.Count(trial => trial.Method == "prefix") + 1, lines.Count);
        Assert.All(lines, line => Assert.All(line.Corners, corner => Assert.InRange(corner.Y, 0, 400)));
    }

    [SkippableFact]
    public async Task A_search_that_has_just_begun_is_a_page_too()
    {
        string file = _directory.File("empty.html");
        ReportPage.Write(file, ReportData.Of(new PeftExperimentResult(MadeSearch.Search, [], TimeSpan.Zero), ReportState.Running, null, DateTimeOffset.UnixEpoch));
        await using var page = await chromium.OpenAsync(file);
        Assert.Empty(page.Complaints);
        Assert.Equal("running", await page.TextAsync("#state"));
        Assert.Contains("No trial has a result yet.", await page.TextAsync("#progress"), StringComparison.Ordinal);
        Assert.Contains("Needs at least 10 trials with a result; there are 0 so far.", await page.TextAsync("#importance"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_real_search_is_on_the_page_with_all_its_trials()
    {
        string file = _directory.File("search.html");
        var result = SyntheticSearch.Run(SyntheticSearch.Plan(_directory.File("search")) with { MaxTrials = 27 }, monitor: new PeftReportMonitor(file));
        await using var page = await chromium.OpenAsync(file);
        Assert.Empty(page.Complaints);
        Assert.Equal("finished", await page.TextAsync("#state"));
        Assert.Equal(result.Summary, await page.TextAsync("#summary"));
        string[] colors = ["rgb(47, 126, 216)", "rgb(224, 118, 26)", "rgb(31, 163, 122)"];
        var chart = await page.ChartAsync("progress");
        Assert.Equal(result.Trials.Where(trial => !trial.IsBaseline).Sum(trial => trial.RungResults.Count), colors.Sum(color => chart.Filled(color).Count));
        var parallel = await page.ChartAsync("parallel");
        Assert.Equal(result.Trials.Count - 1, colors.Sum(color => parallel.Lines(color).Count));
    }

    [Fact]
    public void The_embedded_library_is_the_one_that_its_note_names()
    {
        string folder = Path.GetFullPath(Path.Combine(Fixtures.Default, "../../../src/Microsoft.ML.Peft.AutoML/ThirdParty/echarts"));
        string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "echarts.min.js"))));
        Assert.Contains(hash, File.ReadAllText(Path.Combine(folder, "README.md")), StringComparison.Ordinal);
        Assert.Contains("Apache License", File.ReadAllText(Path.Combine(folder, "LICENSE")), StringComparison.Ordinal);
    }

    private void AssertCurves(DrawnChart chart, Func<PeftEpoch, double> value)
    {
        var (x, y) = (chart.Horizontal(), chart.Vertical());
        foreach (var (method, color) in Colors)
        {
            var curves = _result.Trials.Where(trial => trial.Method == method).Select(trial => trial.LearningCurve.Select(epoch => (x(epoch.Epoch), y(value(epoch)))).ToList()).ToList();
            // A curve of a single epoch is its end mark only.
            var lines = chart.Lines(color).Where(line => line.Corners.Count > 1).ToList();
            Assert.Equal(curves.Count(curve => curve.Count > 1), lines.Count);
            Assert.All(curves.Where(curve => curve.Count > 1), curve =>
                Assert.Contains(lines, line => line.Corners.Count == curve.Count && line.Corners.Zip(curve).All(pair => IsNear(pair.Second, pair.First))));
            Assert.Equal(
                _result.Trials.Count(trial => trial.Method == method && trial.Failure is null),
                chart.Filled(color).Count);
        }
        Assert.Equal(_result.Trials.Count(trial => trial.Failure is not null), chart.Filled("rgb(192, 57, 43)").Count);
    }

    private static void AssertPoints(List<(double X, double Y)> expected, IReadOnlyList<DrawnMark> drawn)
    {
        Assert.Equal(expected.Count, drawn.Count);
        Assert.All(expected, point => Assert.Contains(drawn, mark => IsNear(point, (mark.X, mark.Y))));
    }

    private static bool IsNear((double X, double Y) a, (double X, double Y) b) => Math.Abs(a.X - b.X) < Pixels && Math.Abs(a.Y - b.Y) < Pixels;

    private static void AssertNear(double expected, double actual) => Assert.InRange(actual, expected - Pixels, expected + Pixels);

    private static string Seconds(string text) => text.Split(':') is [var minutes, var seconds]
        ? (60 * int.Parse(minutes, System.Globalization.CultureInfo.InvariantCulture) + int.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture)).ToString(System.Globalization.CultureInfo.InvariantCulture)
        : "none";
}
