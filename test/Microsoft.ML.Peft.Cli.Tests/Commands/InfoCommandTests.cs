namespace Microsoft.ML.Peft.Cli.Tests.Commands;

public sealed class InfoCommandTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Theory]
    [InlineData("all-MiniLM-L6-v2", "bert", 22_713_216, "WordPiece", 30522, "classification and regression")]
    [InlineData("SmolLM2-135M-Instruct", "llama", 134_515_008, "BPE", 49152, "classification and regression, generation, chat (ChatML)")]
    public async Task An_embedded_model_is_described(string name, string type, long parameters, string tokenizer, int vocabulary, string abilities)
    {
        var info = (await Peftml.RunAsync("info", name, "--json")).Succeeds().Json;
        Assert.Equal(type, info.GetProperty("architecture").GetProperty("modelType").GetString());
        Assert.Equal(parameters, info.GetProperty("parameters").GetInt64());
        Assert.Equal(4 * parameters, info.GetProperty("memory").GetProperty("float32").GetInt64());
        Assert.Equal((tokenizer, vocabulary), (info.GetProperty("tokenizer").GetProperty("kind").GetString(), info.GetProperty("tokenizer").GetProperty("vocabulary").GetInt32()));
        Assert.Equal(abilities, string.Join(", ", info.GetProperty("canDo").EnumerateArray().Select(ability => ability.GetString())));
    }

    [Fact]
    public async Task Every_kind_of_model_is_described()
    {
        string model = await TicketFiles.TrainAsync(_directory), adapter = _directory.File("adapter");
        (await Peftml.RunAsync("convert", model, adapter)).Succeeds();
        foreach (string path in new[] { model, adapter })
        {
            var info = (await Peftml.RunAsync("info", path, "--json")).Succeeds().Json;
            Assert.Equal("PREFIX_TUNING", info.GetProperty("method").GetString());
            Assert.Equal(4, info.GetProperty("virtualTokens").GetInt32());
            Assert.Equal(3, info.GetProperty("classes").GetArrayLength());
        }
        Assert.Contains("message", (await Peftml.RunAsync("info", model)).Succeeds().Output);
        Assert.Contains("encoder-decoder", (await Peftml.RunAsync("info", Fixtures.Model("tiny-t5"))).Succeeds().Output);
    }

    [Fact]
    public async Task What_is_no_model_is_told()
    {
        (await Peftml.RunAsync("info", "no-such-model")).FailsWith("'no-such-model' was not found");
        (await Peftml.RunAsync("info", _directory.Path)).FailsWith("config.json");
        (await Peftml.RunAsync("info", "owner/not-cached")).FailsWith("not in the cache", "peftml models download owner/not-cached");
    }

    public void Dispose() => _directory.Dispose();
}
