using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using WebApi;

namespace Microsoft.ML.Peft.WebApi.Tests;

/// <summary>What operators and tools ask for.</summary>
public sealed class OperationsTests
{
    [Fact]
    public async Task The_OpenAPI_document_has_every_endpoint_with_its_answers()
    {
        using var server = new Server();
        var document = await Server.ReadAsync(await server.Client.GetAsync("/openapi/v1.json"));
        var operations = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => ($"{operation.Name} {path.Name}", operation.Value))).ToDictionary(pair => pair.Item1, pair => pair.Value);
        Assert.Equal(["delete /adapters/{name}", "get /adapters", "post /classify", "post /generate", "put /adapters/{name}"], operations.Keys.Order());
        foreach (var (name, operation) in operations)
        {
            Assert.False(string.IsNullOrEmpty(operation.GetProperty("summary").GetString()));
            Assert.Equal(name.StartsWith("put", StringComparison.Ordinal) || name.StartsWith("delete", StringComparison.Ordinal), operation.TryGetProperty("security", out _));
        }
        Assert.True(operations["post /classify"].GetProperty("responses").TryGetProperty("429", out _));
        var stream = operations["post /generate"].GetProperty("responses").GetProperty("200").GetProperty("content");
        Assert.Equal(["application/json", "text/event-stream"], stream.EnumerateObject().Select(type => type.Name).Order());
        Assert.Equal("X-Api-Key", document.GetProperty("components").GetProperty("securitySchemes").GetProperty("ApiKey").GetProperty("name").GetString());
    }

    [Fact]
    public async Task A_server_is_ready_while_it_classifies()
    {
        using var server = new Server(paused: true);
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await server.Client.GetAsync("/health/ready")).StatusCode);
        await server.Resume();
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/health/ready")).StatusCode);
    }

    [Fact]
    public async Task Metrics_tell_what_was_done()
    {
        using var server = new Server();
        await server.LabelsAsync("topics", "a", "b", "c");
        string text;
        int rows;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        do
        {
            // The batch is counted a moment after its answer, and a page of metrics is kept for a moment. It is of all servers in this process.
            await Task.Delay(100, patience.Token);
            text = await server.Client.GetStringAsync("/metrics", patience.Token);
            _ = int.TryParse(Regex.Match(text, @"^peft_classification_batch_rows_sum\S* (\d+)$", RegexOptions.Multiline).Groups[1].ValueSpan, out rows);
        }
        while (rows < 3);
        foreach (string name in new[] { "peft_classification_batch_rows", "peft_classification_duration_seconds", "peft_adapters", "http_server_request_duration_seconds", "dotnet_process_memory_working_set" })
            Assert.Contains(name, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_is_served_with_a_policy_that_lets_nothing_else_in()
    {
        using var server = new Server();
        using var page = await server.Client.GetAsync("/");
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith("default-src 'self'", Assert.Single(page.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_setting_ends_the_program_with_a_sentence()
    {
        foreach (var (argument, part) in new[]
        {
            ("--Peft:MaxTexts=0", "MaxTexts must be between 1 and 1000"),
            ("--Peft:ApiKey=short", "Peft:ApiKey is shorter than 16 characters"),
            ("--Peft:Encoder=/no/such/model", "/no/such/model"),
        })
        {
            var run = SampleProgram.Run("WebApi", argument, "--urls=http://127.0.0.1:0");
            Assert.Equal(1, run.ExitCode);
            Assert.StartsWith("Error: ", run.Error, StringComparison.Ordinal);
            Assert.Contains(part, run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task A_program_that_is_asked_to_end_answers_what_it_has_taken()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no signals.");
        using var directory = new TemporaryDirectory();
        File.Copy(Path.Combine(Server.Adapter("tiny-bert__prefix__SEQ_CLS"), "adapter_config.json"), Path.Combine(Directory.CreateDirectory(directory.File("topics")).FullName, "adapter_config.json"));
        File.Copy(Path.Combine(Server.Adapter("tiny-bert__prefix__SEQ_CLS"), "adapter_model.safetensors"), directory.File("topics/adapter_model.safetensors"));
        using var process = SampleProgram.Start(
            "WebApi", "--urls=http://127.0.0.1:0", $"--Peft:Encoder={Fixtures.Model("tiny-bert")}", $"--Peft:LanguageModel={Fixtures.Model("tiny-llama")}", $"--Peft:AdapterDirectory={directory.Path}",
            "--Peft:BatchDelay=4000");
        string? line;
        do
            line = await process.StandardOutput.ReadLineAsync();
        while (line?.Contains("Now listening on: ", StringComparison.Ordinal) == false);
        var rest = process.StandardOutput.ReadToEndAsync();
        using var client = new HttpClient { BaseAddress = new Uri(line!.Split("Now listening on: ")[1]) };
        var requests = Enumerable.Range(0, 8).Select(_ => client.PostAsJsonAsync("/classify", new { adapter = "topics", text = "a" })).ToList();
        // All of them wait for the batch.
        while (!Regex.IsMatch(await client.GetStringAsync("/metrics"), "^http_server_active_requests\\S*POST\\S* 8\\b", RegexOptions.Multiline))
            await Task.Delay(50);
        using (var kill = System.Diagnostics.Process.Start("kill", ["-TERM", $"{process.Id}"]))
            await kill.WaitForExitAsync();
        foreach (var response in await Task.WhenAll(requests))
            await Server.ReadAsync(response);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        await rest;
    }

    [Fact]
    public void The_README_has_every_setting_with_its_default()
    {
        string page = File.ReadAllText(Path.Combine(Fixtures.Default, "../../../samples/WebApi/README.md"));
        var defaults = new Settings();
        foreach (var property in typeof(Settings).GetProperties().Where(property => property.Name is not (nameof(Settings.AdapterDirectory) or "EqualityContract")))
        {
            string value = property.GetValue(defaults) switch { null => "none", bool truth => truth ? "`true`" : "`false`", string text => $"`{text}`", var number => FormattableString.Invariant($"{number}") };
            Assert.Contains($"| `Peft:{property.Name}` | {value} |", page, StringComparison.Ordinal);
        }
    }
}
