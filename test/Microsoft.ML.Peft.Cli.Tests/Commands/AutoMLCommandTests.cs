using System.Globalization;
using Microsoft.ML.Peft.Cli.Projects;

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
    public async Task With_a_folder_as_output_a_project_is_made_of_the_winner()
    {
        string folder = _directory.File("Tickets");
        string[] arguments = ["automl", "--dataset", TicketFiles.Csv(_directory), "--label-col", "queue", "-o", folder, "--name", "TicketModel", "--models", Tickets.TinyModel, "--max-trials", "2", "--max-epochs", "1", "--methods", "prompt", "--tuner", "random"];
        var searched = (await Peftml.RunAsync([.. arguments, "--json"])).Succeeds();
        string[] files = ["Program.cs", "README.md", "TicketModel.consumption.cs", "TicketModel.data.csv", "TicketModel.evaluate.cs", "TicketModel.mbconfig", "TicketModel.training.cs", "TicketModel.zip", "Tickets.csproj"];
        Assert.Equal(files, searched.Json.GetProperty("files").EnumerateArray().Select(file => file.GetString()));
        Assert.Empty(ProjectCompiler.Problems(isWeb: false, Directory.GetFiles(folder, "*.cs").Select(File.ReadAllText)));

        var config = TrainingConfig.Read(Path.Combine(folder, "TicketModel.mbconfig"));
        var best = searched.Json.GetProperty("best");
        Assert.Equal(best.GetProperty("trialId").GetInt32(), config.RunHistory!.Winner);
        Assert.Equal(3, config.RunHistory.Trials.Count);
        Assert.Equal(best.GetProperty("metric").GetDouble(), config.RunHistory.Trials.Single(trial => trial.Id == config.RunHistory.Winner).Score);
        Assert.Equal(48, config.DataSource!.Rows);
        // What was searched stands in the code as it was found.
        string rate = best.GetProperty("parameters").GetProperty("LearningRate").GetRawText();
        Assert.Contains($"LearningRate = {double.Parse(rate, CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture)},", File.ReadAllText(Path.Combine(folder, "TicketModel.training.cs")));
        Assert.Equal(49, (await Peftml.RunAsync("predict", Path.Combine(folder, "TicketModel.zip"), TicketFiles.Csv(_directory))).Succeeds().Lines.Length);

        Assert.Contains($"Made the project '{folder}' of 9 files around the model TicketModel", (await Peftml.RunAsync(arguments)).Succeeds().Output);
        File.AppendAllText(Path.Combine(folder, "Program.cs"), "// mine");
        (await Peftml.RunAsync(arguments)).FailsWith("has been changed since it was written (Program.cs)", "--force");
        (await Peftml.RunAsync([.. arguments, "--force"])).Succeeds();
    }

    [Fact]
    public async Task The_rows_are_given_once()
    {
        foreach (string[] rows in new string[][] { [], ["a.csv", "--dataset", "b.csv"] })
        {
            var refused = await Peftml.RunAsync(["automl", .. rows]);
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains("Give the rows once, as DATA or with --dataset.", refused.Error);
        }
    }

    [Fact]
    public async Task A_metric_of_another_task_is_refused() =>
        (await Peftml.RunAsync("automl", TicketFiles.Csv(_directory), "-o", _directory.File("m.zip"), "--metric", "rsquared")).FailsWith("for multiclass it must be one of microaccuracy");

    public void Dispose() => _directory.Dispose();
}
