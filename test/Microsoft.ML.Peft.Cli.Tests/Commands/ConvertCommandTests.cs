namespace Microsoft.ML.Peft.Cli.Tests.Commands;

public sealed class ConvertCommandTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task A_pipeline_becomes_an_adapter_and_a_pipeline_again_that_predicts_the_same()
    {
        string model = await TicketFiles.TrainAsync(_directory), adapter = _directory.File("adapter"), back = _directory.File("back.zip"), data = TicketFiles.Csv(_directory, 9);
        (await Peftml.RunAsync("convert", model, adapter)).Succeeds();
        Assert.True(File.Exists(Path.Combine(adapter, "adapter_config.json")));
        (await Peftml.RunAsync("convert", adapter, back, "--text-col", "message", "--label-col", "queue")).Succeeds();
        string expected = (await Peftml.RunAsync("predict", model, data, "--all")).Succeeds().Output;
        Assert.Equal(expected, (await Peftml.RunAsync("predict", back, data, "--all")).Succeeds().Output);
        Assert.Equal(expected, (await Peftml.RunAsync("predict", adapter, data, "--all")).Succeeds().Output);
    }

    [Fact]
    public async Task An_adapter_of_Hugging_Face_is_converted_with_its_frozen_model_named()
    {
        string source = Directory.EnumerateFiles(Fixtures.Folder("cases"), "adapter_config.json", SearchOption.AllDirectories)
            .First(file => file.Contains("tiny-llama", StringComparison.Ordinal) && File.ReadAllText(file).Contains("CAUSAL_LM", StringComparison.Ordinal));
        string model = _directory.File("m.zip");
        (await Peftml.RunAsync("convert", Path.GetDirectoryName(source)!, model, "--model", Fixtures.Model("tiny-llama"))).Succeeds();
        (await Peftml.RunAsync("generate", model, "--prompt", "once", "--max-new-tokens", "3")).Succeeds();
        Assert.Equal("generation", (await Peftml.RunAsync("info", model, "--json")).Succeeds().Json.GetProperty("task").GetString());
    }

    [Fact]
    public async Task What_cannot_be_converted_is_told()
    {
        string model = await TicketFiles.TrainAsync(_directory);
        (await Peftml.RunAsync("convert", model, model)).FailsWith("is a file; give the adapter directory to write");
        (await Peftml.RunAsync("convert", _directory.Path, _directory.File("x.zip"))).FailsWith("adapter_config.json");
        (await Peftml.RunAsync("convert", model, _directory.File("a"), "--model", "x")).FailsWith("names its own frozen model");
    }

    public void Dispose() => _directory.Dispose();
}
