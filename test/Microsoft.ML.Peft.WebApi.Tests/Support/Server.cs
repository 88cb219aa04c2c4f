using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using WebApi.Classification;

namespace Microsoft.ML.Peft.WebApi.Tests.Support;

/// <summary>The program in this process, behind a port of its own, with tiny models and adapters in a directory of its own.</summary>
internal sealed class Server : IDisposable
{
    public const string ApiKey = "a key of these tests";

    private readonly TemporaryDirectory _directory = new();
    private readonly WebApplicationFactory<Program> _program = new();     // owns the one below
    private readonly WebApplicationFactory<Program> _factory;

    /// <param name="paused">Whether requests for classification wait until <see cref="Resume"/>.</param>
    /// <param name="embedded">Whether with the embedded models and the sample's own adapters.</param>
    /// <param name="settings">Settings of the section Peft that differ.</param>
    public Server(bool paused = false, bool embedded = false, params (string Name, string Value)[] settings)
    {
        var all = new Dictionary<string, string> { ["AdapterDirectory"] = _directory.Path, ["ApiKey"] = ApiKey };
        if (embedded)
        {
            foreach (string adapter in Directory.EnumerateDirectories(Path.Combine(AppContext.BaseDirectory, "adapters")))
                AddAdapter(Path.GetFileName(adapter), adapter);
        }
        else
        {
            (all["Encoder"], all["LanguageModel"]) = (Fixtures.Model("tiny-bert"), Fixtures.Model("tiny-llama"));
            AddAdapter("topics", Adapter("tiny-bert__prefix__SEQ_CLS"));
            AddAdapter("moods", Adapter("tiny-bert__prompt__SEQ_CLS"));
            AddAdapter("stories", Adapter("tiny-llama__prefix__CAUSAL_LM"));
        }
        foreach (var (name, value) in settings)
            all[name] = value;
        _factory = _program.WithWebHostBuilder(builder =>
        {
            builder.UseSetting("urls", "http://127.0.0.1:0");
            foreach (var (name, value) in all)
                builder.UseSetting($"Peft:{name}", value);
            if (paused)
                builder.ConfigureTestServices(services => services.Remove(services.Last(service => service.ServiceType == typeof(IHostedService) && service.ImplementationFactory is not null && service.ImplementationFactory.Method.ReturnType == typeof(ClassificationQueue))));
        });
        _factory.UseKestrel();
        _factory.StartServer();
        Client = _factory.CreateClient();
        Owner = _factory.CreateClient();
        Owner.DefaultRequestHeaders.Add("X-Api-Key", ApiKey);
    }

    /// <summary>A client without a key.</summary>
    public HttpClient Client { get; }

    /// <summary>A client with the key.</summary>
    public HttpClient Owner { get; }

    public string AdapterDirectory => _directory.Path;

    public IServiceProvider Services => _factory.Services;

    public HttpClient CreateClient() => _factory.CreateClient();

    /// <summary>Lets the waiting requests for classification pass.</summary>
    public Task Resume() => Services.GetRequiredService<ClassificationQueue>().StartAsync(default);

    public Task<HttpResponseMessage> ClassifyAsync(string adapter, params string[] texts) => Client.PostAsJsonAsync("/classify", new { adapter, texts });

    /// <summary>The likeliest label of each text, and the probabilities of all labels by name.</summary>
    public async Task<IReadOnlyList<(string Label, Dictionary<string, float> Probabilities)>> LabelsAsync(string adapter, params string[] texts)
    {
        using var response = await ClassifyAsync(adapter, texts);
        return Labels(await ReadAsync(response));
    }

    public static IReadOnlyList<(string Label, Dictionary<string, float> Probabilities)> Labels(JsonElement answer) => [.. answer.GetProperty("results").EnumerateArray().Select(result => (
        result.GetProperty("label").GetString()!,
        result.GetProperty("labels").EnumerateArray().ToDictionary(label => label.GetProperty("label").GetString()!, label => label.GetProperty("probability").GetSingle())))];

    /// <summary>The answer to a request that succeeded.</summary>
    public static async Task<JsonElement> ReadAsync(HttpResponseMessage response)
    {
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}: {body}");
        return JsonSerializer.Deserialize<JsonElement>(body);
    }

    /// <summary>Asserts that the answer is problem details with a part of its sentence.</summary>
    public static async Task AssertProblemAsync(HttpStatusCode status, string part, HttpResponseMessage response)
    {
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(status == response.StatusCode, $"{response.StatusCode}: {body}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains(part, JsonSerializer.Deserialize<JsonElement>(body).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    /// <summary>The directory of an adapter in the reference results.</summary>
    public static string Adapter(string name) => Path.Combine(Fixtures.Folder("cases"), name, "trained_adapter");

    /// <summary>Reads one of the server's instruments from now on.</summary>
    public Readings<T> Read<T>(string instrument) where T : struct => new(Services.GetRequiredService<IMeterFactory>(), instrument);

    public void Dispose()
    {
        _program.Dispose();
        _directory.Dispose();
    }

    private void AddAdapter(string name, string from)
    {
        var directory = Directory.CreateDirectory(_directory.File(name));
        foreach (string file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(directory.FullName, Path.GetFileName(file)));
    }
}
