namespace Microsoft.ML.Peft.Cli.Tests.Commands;

public sealed class PredictCommandTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Lines_of_the_standard_input_are_texts()
    {
        string model = await TicketFiles.TrainAsync(_directory);
        var predicted = (await Peftml.TypeAsync("refund please\n\nit \"crashes\"\n", default, "predict", model)).Succeeds();
        Assert.Equal("Text\tPredictedLabel\tProbability", predicted.Lines[0]);
        Assert.StartsWith("refund please\t", predicted.Lines[1]);
        Assert.StartsWith("\"it \"\"crashes\"\"\"\t", predicted.Lines[2]);
        Assert.Equal(3, predicted.Lines.Length);
        Assert.Equal(predicted.Lines[1..].Length, (await Peftml.TypeAsync("refund please\nit \"crashes\"\n", default, "predict", model, "-", "--json")).Succeeds().Lines.Length);
    }

    [Fact]
    public async Task The_standard_input_may_be_a_table()
    {
        string model = await TicketFiles.TrainAsync(_directory);
        var predicted = (await Peftml.TypeAsync("{\"message\":\"überall\",\"nr\":7}\n", default, "predict", model, "-", "--format", "jsonl", "--json")).Succeeds();
        Assert.Equal(("überall", "7"), (predicted.Json.GetProperty("message").GetString(), predicted.Json.GetProperty("nr").GetString()));
        Assert.Contains("überall", predicted.Output);
    }

    [Theory]
    [InlineData("p.tsv", "id\tmessage\tqueue\tPredictedLabel\tProbability")]
    [InlineData("p.csv", "id,message,queue,PredictedLabel,Probability")]
    [InlineData("p.jsonl", "{\"id\":\"0\",\"message\":")]
    public async Task Predictions_go_to_a_file_in_the_format_of_its_ending(string name, string start)
    {
        string output = _directory.File(name);
        var result = (await Peftml.RunAsync("predict", await TicketFiles.TrainAsync(_directory), TicketFiles.Csv(_directory, 5), "-o", output)).Succeeds();
        Assert.Equal("", result.Output);
        Assert.Contains("Wrote 5 rows", result.Error);
        Assert.StartsWith(start, File.ReadAllText(output));
    }

    [Fact]
    public async Task What_is_typed_in_a_terminal_is_answered_until_an_empty_line()
    {
        var asked = (await Peftml.TypeAsync("refund\nit hangs\n\nnot read\n", (true, true, false), "predict", await TicketFiles.TrainAsync(_directory))).Succeeds();
        Assert.Equal(2, asked.Output.Split('→').Length - 1);
        Assert.Contains('%', asked.Output);
    }

    [Fact]
    public async Task A_text_column_of_another_name_is_found_or_named()
    {
        string model = await TicketFiles.TrainAsync(_directory);
        Assert.Equal(3, (await Peftml.RunAsync("predict", model, _directory.Write("a.csv", "body\nrefund me\nit hangs\n"))).Succeeds().Lines.Length);
        string two = _directory.Write("b.csv", "one,two\nrefund,itself\nit has,hanged\n");
        (await Peftml.RunAsync("predict", model, two)).FailsWith("--text-col", "'one', 'two'");
        (await Peftml.RunAsync("predict", model, two, "--text-col", "two")).Succeeds();
    }

    [Fact]
    public async Task A_model_that_is_none_is_told()
    {
        (await Peftml.RunAsync("predict", "nothing.zip", "x.csv")).FailsWith("x.csv");
        string data = TicketFiles.Csv(_directory, 5);
        (await Peftml.RunAsync("predict", "nothing.zip", data)).FailsWith("There is no model 'nothing.zip'");
        (await Peftml.RunAsync("predict", data, data)).FailsWith("is no model that ML.NET has saved");
        (await Peftml.RunAsync("predict", _directory.Path, data)).FailsWith("adapter_config.json");
    }

    public void Dispose() => _directory.Dispose();
}
