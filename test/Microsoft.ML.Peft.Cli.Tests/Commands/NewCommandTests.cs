using System.Net.Http.Json;
using System.Text.Json;

namespace Microsoft.ML.Peft.Cli.Tests.Commands;

/// <summary>From rows to a project that is built and runs.</summary>
public sealed class NewCommandTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task A_program_with_classes_predicts_evaluates_and_trains_anew()
    {
        string model = _directory.File("m.zip"), folder = _directory.File("ticket program");
        string pairs = _directory.Write("p.csv", "die Frage;\"class\";Antwort\n" + string.Concat(Tickets.Rows(24).Select(ticket => $"\"{ticket.Text};\n\"\"wirklich\"\"\";{ticket.Label};{ticket.Second}\n")));
        string[] columns = ["--text-col", "die Frage", "--second-text-col", "Antwort", "--label-col", "class"];
        (await Peftml.RunAsync(["train", pairs, "-o", model, .. columns, .. TicketFiles.Quick])).Succeeds();
        var made = (await Peftml.RunAsync(["new", "console", model, "--dataset", pairs, "--name", "ticket model", "-o", folder, .. GeneratedProject.Library])).Succeeds();
        Assert.Contains("Try it: dotnet run --project", made.Output);

        var project = new GeneratedProject(folder);
        await project.BuildAsync();
        var example = (await project.RunAsync()).Succeeds();
        Assert.Equal("invoice since 0 days;\n\"wirklich\"\nversion 0\n", example.Output[..example.Output.IndexOf("  ", StringComparison.Ordinal)].TrimEnd(' '));
        Assert.Equal(["billing", "crash", "praise"], example.Lines[^3..].Select(line => line.Split("  ")[^1]).Order());
        Assert.Contains("Accuracy", (await project.RunAsync("--evaluate", "TicketModel.data.csv")).Succeeds().Output);
        Assert.Equal(2, (await project.RunAsync("one", "two", "three")).ExitCode);

        Assert.Contains("Kept epoch", (await project.RunAsync("--train", "TicketModel.data.csv")).Succeeds().Output);
        (await Peftml.RunAsync("evaluate", project.File("TicketModel.zip"), pairs, "--label-col", "class")).Succeeds();
        (await Peftml.RunAsync(["new", "console", model, "--name", "ticket model", "-o", folder, .. GeneratedProject.Library])).FailsWith("has been changed since it was written (TicketModel.zip)", "--force");
    }

    [Fact]
    public async Task A_web_API_answers_requests_at_the_same_time()
    {
        string folder = _directory.File("Api");
        (await Peftml.RunAsync(["new", "webapi", await TicketFiles.TrainAsync(_directory), "-o", folder, .. GeneratedProject.Library])).Succeeds();
        var project = new GeneratedProject(folder);
        await project.BuildAsync();
        using var server = project.Start("--urls", "http://127.0.0.1:0", "--Logging:Console:LogToStandardErrorThreshold=Information");
        await server.WaitForErrorAsync("Application started");
        using var client = new HttpClient { BaseAddress = new Uri(server.Error.Split("Now listening on: ")[1].Split('\n')[0].Trim()) };

        var answers = await Task.WhenAll(Tickets.Rows(32).Select(async ticket => await (await client.PostAsJsonAsync("/predict", new { message = ticket.Text })).EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>()));
        Assert.All(answers, answer =>
        {
            var scores = answer.GetProperty("scores").EnumerateObject().ToList();
            Assert.Equal(answer.GetProperty("predictedLabel").GetString(), scores[0].Name);
            Assert.Equal(1, scores.Sum(score => score.Value.GetDouble()), 1e-4);
            Assert.Equal(scores.Select(score => score.Value.GetDouble()).OrderDescending(), scores.Select(score => score.Value.GetDouble()));
        });
        foreach (object wrong in new object[] { new { }, new { message = (string?)null }, new { message = 1 } })
            Assert.Equal(System.Net.HttpStatusCode.BadRequest, (await client.PostAsJsonAsync("/predict", wrong)).StatusCode);
        Assert.Equal("Healthy", await client.GetStringAsync("/health"));
        var openApi = JsonDocument.Parse(await client.GetStringAsync("/openapi/v1.json")).RootElement;
        Assert.Equal(["message"], openApi.GetProperty("components").GetProperty("schemas").GetProperty("PredictionRequest").GetProperty("properties").EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public async Task Truth_values_from_a_file_that_ML_NET_does_not_read_become_a_program_that_trains_on_them()
    {
        string model = _directory.File("b.zip"), folder = _directory.File("Wahr");
        string rows = _directory.File("b.csv");
        File.WriteAllText(rows, "Größe;Text\n" + string.Concat(Tickets.Rows(24).Select(ticket => $"{(ticket.IsCrash ? "ja" : "nein")};\"{ticket.Text}, äöü\"\n")), System.Text.Encoding.Latin1);
        string[] reading = ["--encoding", "windows-1252", "--label-col", "Größe"];
        (await Peftml.RunAsync(["train", rows, "-o", model, .. reading, .. TicketFiles.Quick])).Succeeds();
        (await Peftml.RunAsync(["new", "console", model, "--dataset", rows, "-o", folder, .. reading, .. GeneratedProject.Library])).Succeeds();
        var project = new GeneratedProject(folder);
        await project.BuildAsync();
        Assert.Equal(["False", "True"], (await project.RunAsync("it crashes")).Succeeds().Lines[1..].Select(line => line.Split("  ")[^1]).Order());
        Assert.Contains("AUC", (await project.RunAsync("--evaluate", "B.data.csv")).Succeeds().Output);
    }

    [Fact]
    public async Task A_model_that_writes_becomes_a_program_and_that_a_web_API_with_all_that_is_known()
    {
        string model = _directory.File("g.zip"), folder = _directory.File("Writer"), api = _directory.File("WriterApi");
        string data = _directory.Write("g.tsv", "事実\t文\n" + string.Concat(Tickets.Rows(24).Select((ticket, i) => $"{ticket.Label} {i}\tThe ticket says: {ticket.Text}.\n")));
        string[] columns = ["--text-col", "事実", "--label-col", "文"];
        (await Peftml.RunAsync(["train", data, "--task", "generation", "-o", model, .. columns, "--model", Fixtures.Model("tiny-llama"), "--virtual-tokens", "4", "--max-epochs", "1", "--max-new-tokens", "5", "--precision", "float32"])).Succeeds();
        (await Peftml.RunAsync(["new", "console", model, "--dataset", data, "-o", folder, .. columns, .. GeneratedProject.Library])).Succeeds();
        var project = new GeneratedProject(folder);
        await project.BuildAsync();
        string written = (await Peftml.RunAsync("generate", model, "--prompt", "crash 1")).Succeeds().Output.TrimEnd('\n');
        Assert.Equal($"crash 1\n  → {written}\n", (await project.RunAsync("crash 1")).Succeeds().Output);

        (await Peftml.RunAsync(["new", "webapi", project.File("G.mbconfig"), "-o", api, .. GeneratedProject.Library])).Succeeds();
        Assert.Equal(File.ReadAllText(project.File("G.data.csv")), File.ReadAllText(Path.Combine(api, "G.data.csv")));
        Assert.Equal(File.ReadAllText(project.File("G.training.cs")).Replace("namespace Writer;", "namespace WriterApi;", StringComparison.Ordinal), File.ReadAllText(Path.Combine(api, "G.training.cs")));
    }

    [Fact]
    public async Task What_no_project_can_be_made_of_is_told()
    {
        string folder = _directory.File("Tickets");
        (await Peftml.RunAsync("new", "console", "nowhere.zip", "-o", folder)).FailsWith("There is no model 'nowhere.zip'");
        (await Peftml.RunAsync("new", "console", "nowhere.mbconfig", "-o", folder)).FailsWith("There is no file 'nowhere.mbconfig'");
        (await Peftml.RunAsync("new", "console", _directory.Path, "-o", folder)).FailsWith("is a directory", "peftml convert");
        string model = await TicketFiles.TrainAsync(_directory);
        (await Peftml.RunAsync("new", "console", model, "-o", _directory.Path)).FailsWith("is not empty and no project of peftml", "--force");
        (await Peftml.RunAsync("new", "console", model, "-o", folder, "--library", _directory.Path)).FailsWith("holds neither", "Microsoft.ML.Peft.dll");
        (await Peftml.RunAsync("new", "console", model, "-o", folder, "--dataset", _directory.Write("x.csv", "a,b,c\n1,2,3\n1,2,3\n"))).FailsWith("not clear");
        Assert.False(Directory.Exists(folder));
        var group = await Peftml.RunAsync("new");
        Assert.Equal(2, group.ExitCode);
        Assert.Contains("webapi", group.Output);
    }

    public void Dispose() => _directory.Dispose();
}
