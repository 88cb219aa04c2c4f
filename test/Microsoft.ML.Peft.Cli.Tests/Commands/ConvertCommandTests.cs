using System.Globalization;

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
        AssertSame(expected, (await Peftml.RunAsync("predict", back, data, "--all")).Succeeds().Output);
        AssertSame(expected, (await Peftml.RunAsync("predict", adapter, data, "--all")).Succeeds().Output);
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

    /// <summary>An adapter names no number format, so a machine with fast bfloat16 predicts with it in that.</summary>
    private static void AssertSame(string expected, string actual)
    {
        string[] Fields(string table) => table.Split('\t', '\n');
        Assert.Equal(Fields(expected).Length, Fields(actual).Length);
        Assert.All(Fields(expected).Zip(Fields(actual)), pair =>
        {
            if (double.TryParse(pair.First, CultureInfo.InvariantCulture, out double probability))
                Assert.Equal(probability, double.Parse(pair.Second, CultureInfo.InvariantCulture), 1e-2);
            else
                Assert.Equal(pair.First, pair.Second);
        });
    }
}
