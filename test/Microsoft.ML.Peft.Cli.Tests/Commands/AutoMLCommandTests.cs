namespace Microsoft.ML.Peft.Cli.Tests.Commands;

public sealed class AutoMLCommandTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task The_best_of_some_trials_is_saved_and_a_finished_search_only_tells_its_result_again()
    {
        string data = TicketFiles.Csv(_directory), model = _directory.File("best.zip");
        string[] arguments = ["automl", data, "-o", model, "--models", Tickets.TinyModel, "--max-trials", "2", "--max-epochs", "1", "--methods", "prompt", "prefix", "--tuner", "random", "--report", _directory.File("search.html")];
        var searched = (await Peftml.RunAsync([.. arguments, "--json"])).Succeeds();
        Assert.Contains(searched.Json.GetProperty("trials").EnumerateArray(), trial => trial.GetProperty("isBaseline").GetBoolean());
        Assert.Contains("linear probe", searched.Error);
        Assert.Contains("<html", File.ReadAllText(_directory.File("search.html")));
        string best = searched.Json.GetProperty("best").GetProperty("metric").GetRawText();
        Assert.Equal(49, (await Peftml.RunAsync("predict", model, data)).Succeeds().Lines.Length);

        File.Delete(model);
        var again = (await Peftml.RunAsync([.. arguments, "--json"])).Succeeds();
        Assert.Equal(best, again.Json.GetProperty("best").GetProperty("metric").GetRawText());
        Assert.True(File.Exists(model));
        Assert.Contains("linear probe", (await Peftml.RunAsync(arguments)).Succeeds().Output);
    }

    [Fact]
    public async Task A_metric_of_another_task_is_refused() =>
        (await Peftml.RunAsync("automl", TicketFiles.Csv(_directory), "-o", _directory.File("m.zip"), "--metric", "rsquared")).FailsWith("for multiclass it must be one of microaccuracy");

    public void Dispose() => _directory.Dispose();
}
