namespace Microsoft.ML.Peft.Cli.Tests.Commands;

public sealed class TrainCommandTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task A_model_is_trained_saved_evaluated_and_predicts()
    {
        string model = await TicketFiles.TrainAsync(_directory);
        var evaluated = (await Peftml.RunAsync("evaluate", model, TicketFiles.Csv(_directory, 30), "--json")).Succeeds();
        Assert.Equal("multiclass", evaluated.Json.GetProperty("task").GetString());
        Assert.Equal(30, evaluated.Json.GetProperty("rows").GetInt32());
        Assert.InRange(evaluated.Json.GetProperty("metrics").GetProperty("accuracy").GetDouble(), 0, 1);
        var predicted = (await Peftml.RunAsync("predict", model, TicketFiles.Csv(_directory, 5), "--all")).Succeeds();
        Assert.Equal("id\tmessage\tqueue\tPredictedLabel\tProbability\tProbability.billing\tProbability.crash\tProbability.praise", predicted.Lines[0]);
        Assert.Equal(6, predicted.Lines.Length);
        Assert.Equal(1, predicted.Lines[1].Split('\t')[^3..].Sum(double.Parse), 1e-4);
    }

    [Fact]
    public async Task Results_are_JSON_for_programs_and_nothing_else_is_in_the_output()
    {
        string model = _directory.File("m.zip");
        var result = (await Peftml.RunAsync(["train", TicketFiles.Csv(_directory), "-o", model, "--json", "--method", "prompt", .. TicketFiles.Quick])).Succeeds();
        Assert.Single(result.Lines);
        Assert.Equal(48, result.Json.GetProperty("rows").GetInt32());
        Assert.Equal(["billing", "crash", "praise"], result.Json.GetProperty("classes").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(2, result.Json.GetProperty("epochs").GetArrayLength());
        Assert.Contains("Epoch 1/2", result.Error);
        Assert.Equal("", (await Peftml.RunAsync(["train", TicketFiles.Csv(_directory), "-o", model, "--json", "--quiet", .. TicketFiles.Quick])).Succeeds().Error);
    }

    [Theory]
    [InlineData("prompt")]
    [InlineData("prefix")]
    [InlineData("prefix-projected")]
    [InlineData("p-tuning-mlp")]
    [InlineData("p-tuning-lstm")]
    public async Task Every_method_trains(string method) => await TicketFiles.TrainAsync(_directory, "--method", method, "--batch-size", "48", "--seed", "3");

    [Fact]
    public async Task The_same_seed_gives_the_same_bits()
    {
        string first = Convert.ToHexString(await AdapterAsync("--seed", "5")), second = Convert.ToHexString(await AdapterAsync("--seed", "5"));
        Assert.Equal(first, second);
        Assert.NotEqual(first, Convert.ToHexString(await AdapterAsync("--seed", "6")));
    }

    [Fact]
    public async Task Truth_values_and_numbers_are_learnt_too()
    {
        string model = _directory.File("m.zip");
        string yesNo = _directory.Write("b.csv", TicketFiles.Table(48, "text", "crash", ticket => ticket.IsCrash ? "yes" : "no"));
        var trained = (await Peftml.RunAsync(["train", yesNo, "--label-col", "crash", "-o", model, "--json", .. TicketFiles.Quick])).Succeeds();
        Assert.Equal("binary", trained.Json.GetProperty("task").GetString());
        Assert.True((await Peftml.RunAsync("evaluate", model, yesNo, "--json")).Succeeds().Json.GetProperty("metrics").TryGetProperty("areaUnderRocCurve", out _));
        Assert.Contains((await Peftml.RunAsync("predict", model, yesNo)).Succeeds().Lines[1].Split('\t')[^2], new[] { "True", "False" });

        string ratings = _directory.Write("r.jsonl", string.Concat(Tickets.Rows(48).Select(ticket => FormattableString.Invariant($"{{\"text\":\"{ticket.Text}\",\"rating\":{ticket.Rating}}}\n"))));
        (await Peftml.RunAsync(["train", ratings, "--task", "regression", "-o", model, .. TicketFiles.Quick])).Succeeds();
        Assert.True((await Peftml.RunAsync("evaluate", model, ratings, "--json")).Succeeds().Json.GetProperty("metrics").TryGetProperty("rSquared", out _));
        Assert.Equal(48, (await Peftml.RunAsync("predict", model, ratings, "--json")).Succeeds().Lines.Length);
    }

    [Fact]
    public async Task Pairs_of_texts_are_read_from_two_columns()
    {
        string model = _directory.File("m.zip");
        string pairs = _directory.Write("p.csv", "question,answer,label\n" + string.Concat(Tickets.Rows(24).Select(ticket => $"{ticket.Text},{ticket.Second},{ticket.Label}\n")));
        (await Peftml.RunAsync(["train", pairs, "--text-col", "question", "--second-text-col", "answer", "-o", model, .. TicketFiles.Quick])).Succeeds();
        Assert.Equal(25, (await Peftml.RunAsync("predict", model, pairs)).Succeeds().Lines.Length);
    }

    [Fact]
    public async Task An_interrupted_training_goes_on_and_another_one_does_not()
    {
        string model = _directory.File("m.zip"), data = TicketFiles.Csv(_directory);
        using var stop = new CancellationTokenSource();
        string[] arguments = ["train", data, "-o", model, "--model", Tickets.TinyModel, "--virtual-tokens", "4", "--precision", "float32", "--max-epochs", "3"];
        var error = new CancellingWriter("Epoch 1/3", stop);
        int code = await Microsoft.ML.Peft.Cli.Commands.PeftmlCommand.RunAsync(arguments, new Output.Terminal(TextReader.Null, new StringWriter(), error), stop.Token);
        Assert.Equal(130, code);
        Assert.Contains("run the same command again", error.ToString());
        Assert.False(File.Exists(model));
        Assert.True(File.Exists(Path.Combine(model + ".checkpoint", "training_checkpoint.safetensors")));

        (await Peftml.RunAsync([.. arguments, "--learning-rate", "0.5"])).FailsWith("is of another training", "--learning-rate is", "--checkpoint", "--restart");
        var resumed = (await Peftml.RunAsync(arguments)).Succeeds();
        Assert.Contains("Training goes on after epoch 1 of 3", resumed.Error);
        Assert.False(Directory.Exists(model + ".checkpoint"));
    }

    [Fact]
    public async Task A_text_is_learnt_to_be_written_and_generated()
    {
        string model = _directory.File("m.zip"), data = _directory.Write("g.tsv", "facts\tsentence\n" + string.Concat(Tickets.Rows(24).Select((ticket, i) => $"{ticket.Label} {i}\tThe ticket says: {ticket.Text}.\n")));
        (await Peftml.RunAsync(["train", data, "--task", "generation", "-o", model, "--model", Fixtures.Model("tiny-llama"), "--virtual-tokens", "4", "--max-epochs", "1", "--max-new-tokens", "5", "--precision", "float32"])).Succeeds();
        var written = (await Peftml.RunAsync("generate", model, "--prompt", "crash 1", "--json")).Succeeds();
        Assert.Equal("crash 1", written.Json.GetProperty("prompt").GetString());
        Assert.Equal(written.Json.GetProperty("text").GetString() + "\n", (await Peftml.RunAsync("generate", model, "--prompt", "crash 1")).Succeeds().Output);
        Assert.True((await Peftml.RunAsync("evaluate", model, data, "--json")).Succeeds().Json.GetProperty("metrics").TryGetProperty("rougeL", out _));
        (await Peftml.RunAsync("generate", await TicketFiles.TrainAsync(_directory), "--prompt", "x")).FailsWith("does not write", "peftml predict");
    }

    [Theory]
    [InlineData("--max-epochs", "0", "it must be a whole number of at least 1")]
    [InlineData("--learning-rate", "fast", "it must be a number of at least 0")]
    [InlineData("--precision", "float8", "it must be auto, float32 or bfloat16")]
    [InlineData("--lerning-rate", "1", "--lerning-rate")]
    [InlineData("--method", "lora", "lora")]
    [InlineData("--separator", "::", "it must be one ASCII character, or tab")]
    public async Task Unknown_options_and_values_are_told_before_anything_is_read(string option, string value, string expected)
    {
        var result = await Peftml.RunAsync("train", "nowhere.csv", option, value);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error);
        Assert.Contains("See 'peftml train --help'.", result.Error);
        Assert.Equal("", result.Output);
    }

    [Fact]
    public async Task Bad_places_and_files_are_told_in_a_sentence()
    {
        string data = TicketFiles.Csv(_directory);
        (await Peftml.RunAsync("train", "nowhere.csv")).FailsWith("There is no file 'nowhere.csv'");
        (await Peftml.RunAsync("train", _directory.Path)).FailsWith("is a directory");
        (await Peftml.RunAsync("train", data, "-o", _directory.File("no/such/m.zip"))).FailsWith("does not exist; make it");
        (await Peftml.RunAsync("train", data, "-o", _directory.Path)).FailsWith("is a directory; give the path of a file");
        if (OperatingSystem.IsLinux())
        {
            (await Peftml.RunAsync("train", data, "-o", "/proc/m.zip")).FailsWith("'/proc/m.zip' cannot be written", "check the permissions of its directory");
            (await Peftml.RunAsync("train", data, "-o", _directory.File("m.zip"), "--checkpoint", "/proc/m")).FailsWith("cannot be made", "--checkpoint");
        }
        (await Peftml.RunAsync("train", data, "--label-col", "topic")).FailsWith("has no column 'topic'; it has 'id', 'message', 'queue'");
        (await Peftml.RunAsync("train", data, "--label-col", "id")).FailsWith("48 different values in 48 rows");
        (await Peftml.RunAsync("train", data, "--model", "no-such-model", "-o", _directory.File("m.zip"))).FailsWith("'no-such-model'");
        (await Peftml.RunAsync("train", TicketFiles.Csv(_directory, 3, "few.csv"))).FailsWith("has 3 rows; training needs at least 10");
        (await Peftml.RunAsync("train", data, "--model", Tickets.TinyModel, "--virtual-tokens", "4000", "-o", _directory.File("m.zip"))).FailsWith("irtual");
    }

    public void Dispose() => _directory.Dispose();

    private async Task<byte[]> AdapterAsync(params string[] further)
    {
        string adapter = Directory.CreateDirectory(_directory.File(Path.GetRandomFileName())).FullName;
        (await Peftml.RunAsync("convert", await TicketFiles.TrainAsync(_directory, further), adapter)).Succeeds();
        return File.ReadAllBytes(Path.Combine(adapter, "adapter_model.safetensors"));
    }
}
