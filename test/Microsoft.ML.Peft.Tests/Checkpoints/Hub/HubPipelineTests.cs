using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Checkpoints.Hub;

/// <summary>The option Model names a repository. The environment variables belong to the whole process.</summary>
[Collection(Alone.Name)]
public sealed class HubPipelineTests : HubTest
{
    private readonly MLContext _context = new(seed: 1);
    private readonly Dictionary<string, string?> _before = [];
    private readonly TemporaryDirectory _home = new();

    public HubPipelineTests()
    {
        Set("HF_HOME", _home.Path);
        Set("HF_ENDPOINT", Hub.Endpoint);
        foreach (string name in new[] { "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH" })
            Set(name, null);
        Hub.Add("owner/tiny-bert", Fixtures.Model("tiny-bert"));
    }

    [Fact]
    public void A_pipeline_trains_on_the_hubs_model_and_again_offline()
    {
        var rows = Tickets.Keyed(_context);
        var messages = new List<string>();
        _context.Log += (_, entry) => messages.Add(entry.Message);
        float[] scores = Scores(Fit(rows), rows);
        Assert.Contains(messages, message => message.Contains("Downloading model.safetensors of owner/tiny-bert", StringComparison.Ordinal));

        int asked = Hub.Requests.Count;
        Set("HF_HUB_OFFLINE", "1");
        Assert.Equal(scores, Scores(Fit(rows), rows));
        Assert.Equal(asked, Hub.Requests.Count);
    }

    [Fact]
    public void A_saved_pipeline_fetches_its_model_again_where_it_is_missing()
    {
        var rows = Tickets.Keyed(_context);
        using var stream = new MemoryStream();
        float[] scores;
        using (var model = Fit(rows))
        {
            scores = Scores(model, rows);
            _context.Model.Save(model, rows.Schema, stream);
        }
        // What main is by then does not matter.
        Hub.Add("owner/tiny-bert", Fixtures.Model("tiny-distilbert"));
        using var elsewhere = new TemporaryDirectory();
        Set("HF_HOME", elsewhere.Path);
        stream.Position = 0;
        using (var loaded = (SoftPromptTransformer)new MLContext().Model.Load(stream, out _))
        {
            Assert.Equal(scores, Scores(loaded, rows));
            Assert.StartsWith(elsewhere.Path, loaded.Model.Backbone.Directory, StringComparison.Ordinal);
        }
        Set("HF_HUB_OFFLINE", "1");
        stream.Position = 0;
        using (var loaded = (SoftPromptTransformer)new MLContext().Model.Load(stream, out _))
            Assert.Equal(scores, Scores(loaded, rows));
    }

    [Fact]
    public async Task Two_processes_at_once_download_a_saved_pipelines_model_once()
    {
        var rows = Tickets.Load(_context);
        var conversion = _context.Transforms.Conversion;
        using var directory = new TemporaryDirectory();
        _context.Model.Save(conversion.MapValueToKey("Label").Append(Method()).Append(conversion.MapKeyToValue("PredictedLabel")).Fit(rows), rows.Schema, directory.File("tickets.zip"));
        int downloads = Hub.Storage!.Count("GET"), asked = Hub.Count("HEAD", "/model.safetensors");
        // The first does not get its bytes before the second has come.
        Hub.Storage.Script = _ =>
        {
            SpinWait.SpinUntil(() => Hub.Count("HEAD", "/model.safetensors") >= asked + 2, TimeSpan.FromSeconds(30));
            return null;
        };
        Set("HF_HOME", directory.File("home"));
        string[] outputs = await Task.WhenAll(ReloadAsync(directory.File("tickets.zip")), ReloadAsync(directory.File("tickets.zip")));
        Assert.Contains("PredictedLabel", outputs[0], StringComparison.Ordinal);
        Assert.Equal(outputs[0], outputs[1]);
        Assert.Equal(downloads + 1, Hub.Storage.Count("GET"));
    }

    [Fact]
    public void Where_it_cannot_be_had_the_error_says_why()
    {
        var rows = Tickets.Keyed(_context);
        using var stream = new MemoryStream();
        using (var model = Fit(rows))
            _context.Model.Save(model, rows.Schema, stream);
        using var elsewhere = new TemporaryDirectory();
        Set("HF_HOME", elsewhere.Path);
        Set("HF_HUB_OFFLINE", "1");
        stream.Position = 0;
        var error = Assert.ThrowsAny<Exception>(() => new MLContext().Model.Load(stream, out _)).GetBaseException();
        Assert.Contains("HF_HUB_OFFLINE forbids downloading it", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_comes_before_the_hub_and_what_is_neither_is_said_to_be_neither()
    {
        using (var model = PretrainedModel.Load("owner/tiny-bert", Precision.Float32))
            Assert.StartsWith(_home.Path, model.Directory, StringComparison.Ordinal);
        string message = Assert.Throws<DirectoryNotFoundException>(() => PretrainedModel.Load("owner/none")).Message;
        Assert.Contains("'owner/none' is no directory here, nor to be had from the hub", message, StringComparison.Ordinal);

        string relative = Path.GetRelativePath(Environment.CurrentDirectory, Fixtures.Model("tiny-bert"));
        using var local = PretrainedModel.Load(relative, Precision.Float32);
        Assert.Equal(Fixtures.Model("tiny-bert"), local.Directory);
        Assert.Null(local.Hub);
    }

    public override void Dispose()
    {
        foreach (var (name, value) in _before)
            Environment.SetEnvironmentVariable(name, value);
        _home.Dispose();
        base.Dispose();
    }

    private void Set(string name, string? value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }

    private PromptTuningEstimator Method() => _context.Transforms
        .PromptTuning(new PromptTuningOptions { Model = "owner/tiny-bert", Precision = Precision.Float32, VirtualTokens = 4, MaxEpochs = 1, Seed = 1 });

    private SoftPromptTransformer Fit(IDataView rows) => Method().Fit(rows);

    /// <summary>Another process, which inherits the environment.</summary>
    private static async Task<string> ReloadAsync(string pipeline)
    {
        string program = AppContext.BaseDirectory.Replace("Microsoft.ML.Peft.Tests", "Microsoft.ML.Peft.Tests.Reload", StringComparison.Ordinal);
        var start = new ProcessStartInfo("dotnet", [Path.Combine(program, "Microsoft.ML.Peft.Tests.Reload.dll"), pipeline, "the invoice is wrong"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return output;
    }

    private static float[] Scores(SoftPromptTransformer model, IDataView rows) => [.. model.Transform(rows).GetColumn<float[]>("Score").SelectMany(score => score)];
}
