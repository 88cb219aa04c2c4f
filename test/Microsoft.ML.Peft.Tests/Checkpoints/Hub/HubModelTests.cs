using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Checkpoints.Hub;

/// <summary>Models and adapters from a hub, from the download to their results.</summary>
public sealed class HubModelTests : HubTest
{
    private static readonly string[] Texts = ["the whale was there", "he saw one man"];

    [Fact]
    public async Task A_model_is_downloaded_loaded_and_loaded_again_offline()
    {
        string commit = Hub.Add("owner/tiny-bert", Fixtures.Model("tiny-bert"));
        using (var model = await LoadAsync("owner/tiny-bert"))
        {
            using var original = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
            Assert.Equal(original.Fingerprint, model.Fingerprint);
            Assert.Equal(original.Encode(Texts[0]).Ids, model.Encode(Texts[0]).Ids);
            Assert.Equal($"owner/tiny-bert@{commit}", model.Name);
        }
        Assert.Equal(0, Hub.Count("GET", "vocab.txt"));
        Options = Options with { Offline = true };
        using var again = await LoadAsync("owner/tiny-bert");
        Assert.EndsWith(Path.Combine("models--owner--tiny-bert", "snapshots", commit), again.Directory, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_in_shards_is_downloaded_and_loaded()
    {
        Hub.Add("owner/tiny-gpt2", Fixtures.Model("tiny-gpt2-sharded"));
        using var model = await LoadAsync("owner/tiny-gpt2");
        using var original = PretrainedModel.Load(Fixtures.Model("tiny-gpt2-sharded"), Precision.Float32);
        Assert.Equal(original.Fingerprint, model.Fingerprint);
        Assert.Equal(4, Hub.Storage!.Count("GET"));
    }

    [Fact]
    public async Task A_GGUF_file_is_downloaded_and_loaded()
    {
        Hub.Add("owner/tiny-GGUF", Fixtures.Folder("gguf"));
        using var model = await LoadAsync("owner/tiny-GGUF:tiny-llama-f32.gguf");
        using var original = PretrainedModel.Load(Path.Combine(Fixtures.Folder("gguf"), "tiny-llama-f32.gguf"), Precision.Float32);
        Assert.Equal(original.Fingerprint, model.Fingerprint);
        Assert.Equal(1, Hub.Storage!.Count("GET"));
    }

    [Fact]
    public async Task An_adapter_is_downloaded_onto_its_model()
    {
        string directory = Path.Combine(Fixtures.Default, "cases", "tiny-bert__prompt__SEQ_CLS", "adapter");
        Hub.Add("owner/adapter", directory);
        PretrainedModel backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        using var expected = PeftModel.Load(backbone, directory);
        using var model = await PeftModel.FromHubAsync(backbone, Id("owner/adapter"), Options, null, default);
        backbone.Dispose();
        Assert.Equal(expected.Classify(Texts), model.Classify(Texts));
    }

    [Fact]
    public async Task A_family_that_is_not_supported_is_refused_before_its_weights_are_downloaded()
    {
        using var copy = new ModelCopy().Configure("model_type", "\"mamba\"");
        Hub.Add("owner/mamba", copy.Path);
        var error = await Assert.ThrowsAsync<NotSupportedException>(() => LoadAsync("owner/mamba"));
        Assert.Contains("describes a 'mamba' model; supported are bert", error.Message, StringComparison.Ordinal);
        Assert.Empty(Hub.Storage!.Requests);
    }

    [Fact]
    public async Task An_adapter_of_another_kind_is_refused_before_its_weights_are_downloaded()
    {
        Hub.Add("owner/lora", new Dictionary<string, byte[]> { ["adapter_config.json"] = """{"peft_type": "LORA"}"""u8.ToArray(), ["adapter_model.safetensors"] = Bytes(1000, 1) });
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        var error = await Assert.ThrowsAsync<NotSupportedException>(() => PeftModel.FromHubAsync(backbone, Id("owner/lora"), Options, null, default));
        Assert.Contains("configures a LORA adapter", error.Message, StringComparison.Ordinal);
        Assert.Empty(Hub.Storage!.Requests);
    }

    [Fact]
    public async Task An_adapter_trained_on_the_hubs_model_names_repository_and_commit()
    {
        string commit = Hub.Add("owner/tiny-bert", Fixtures.Model("tiny-bert"));
        using var backbone = await LoadAsync("owner/tiny-bert");
        using var trained = new TinyTraining().Run(backbone, TinyTraining.Classes(16), TinyTraining.Settings with { MaxEpochs = 1, ValidationFraction = 0 }).Model;
        using var directory = new TemporaryDirectory();
        trained.Save(directory.Path);
        var configuration = AdapterConfiguration.Read(directory.File("adapter_config.json"));
        Assert.Equal(("owner/tiny-bert", commit), (configuration.BaseModelNameOrPath, configuration.Revision));
    }

    [Theory]
    [InlineData("tiny-bert")]
    [InlineData("./models/tiny-bert")]
    [InlineData("owner/name:model.bin")]
    public async Task What_is_no_id_is_refused(string id)
    {
        await Assert.ThrowsAsync<ArgumentException>("id", () => PretrainedModel.FromHubAsync(id));
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        await Assert.ThrowsAsync<ArgumentException>("id", () => PeftModel.FromHubAsync(backbone, id));
    }

    [Fact]
    public void A_name_that_may_be_a_mistyped_path_is_said_to_be_no_directory()
    {
        Options = Options with { Endpoint = "http://127.0.0.1:1", Retries = 1 };
        var error = Assert.ThrowsAny<IOException>(() => PretrainedModel.LoadFromHub(Id("models/tiny"), Options, Precision.Float32, null, null, default));
        Assert.StartsWith("'models/tiny' is no directory here, nor to be had from the hub: http://127.0.0.1:1 could not be reached", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_load_ends()
    {
        Hub.Add("owner/tiny-bert", Fixtures.Model("tiny-bert"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PretrainedModel.FromHubAsync(Id("owner/tiny-bert"), Options, Precision.Float32, null, null, new CancellationToken(true)));
        Assert.Empty(Hub.Requests);
    }

    private Task<PretrainedModel> LoadAsync(string id) => PretrainedModel.FromHubAsync(Id(id), Options, Precision.Float32, null, null, default);
}
