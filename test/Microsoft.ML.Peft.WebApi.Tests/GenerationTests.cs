using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace Microsoft.ML.Peft.WebApi.Tests;

public sealed class GenerationTests(TinyServer shared) : IClassFixture<TinyServer>
{
    private readonly Server _server = shared.Server;

    [Theory]
    [InlineData(null, 0)]
    [InlineData("stories", 0)]
    [InlineData("stories", 0.9)]
    public async Task The_streamed_pieces_are_the_whole_text(string? adapter, double temperature)
    {
        var request = new { text = "once", adapter, maxTokens = 40, temperature, seed = 3, stream = true };
        using var whole = await _server.Client.PostAsJsonAsync("/generate", request with { stream = false });
        var expected = await Server.ReadAsync(whole);
        Assert.NotEqual("", expected.GetProperty("text").GetString());

        using var streamed = await _server.Client.PostAsJsonAsync("/generate", request);
        Assert.Equal("text/event-stream", streamed.Content.Headers.ContentType?.MediaType);
        var events = await EventsAsync(streamed);
        Assert.True(events.Count > 2);
        Assert.Equal(["text", "end"], events.Select(item => item.EventType).Distinct());
        Assert.Equal(expected.GetProperty("text").GetString(), string.Concat(events.SkipLast(1).Select(item => item.Data.GetProperty("text").GetString())));
        Assert.Equal(expected.GetProperty("finishReason").GetString(), events[^1].Data.GetProperty("finishReason").GetString());
        Assert.Equal(expected.GetProperty("tokens").GetInt32(), events[^1].Data.GetProperty("tokens").GetInt32());
    }

    [Fact]
    public async Task Texts_that_are_written_together_are_those_written_alone()
    {
        async Task<string> WriteAsync(int i)
        {
            using var response = await _server.Client.PostAsJsonAsync("/generate", new { text = $"text number {i}", adapter = i % 2 == 0 ? "stories" : null, maxTokens = 10 + i, stream = false });
            return (await Server.ReadAsync(response)).GetProperty("text").GetString()!;
        }
        string[] together = await Task.WhenAll(Enumerable.Range(0, 8).Select(WriteAsync));
        for (int i = 0; i < 8; i++)
            Assert.Equal(await WriteAsync(i), together[i]);
    }

    [Theory]
    [InlineData("""{"text":""}""", "A text is empty")]
    [InlineData("""{"text":"a","maxTokens":0}""", "maxTokens is 0; give 1 to 256.")]
    [InlineData("""{"text":"a","maxTokens":257}""", "maxTokens is 257; give 1 to 256.")]
    [InlineData("""{"text":"a","temperature":-1}""", "temperature is -1; give 0 to 2.")]
    [InlineData("""{"text":"a","topP":0}""", "topP is 0; give a number above 0, at most 1.")]
    [InlineData("""{"prompt":"a"}""", "prompt")]
    public async Task What_is_wrong_with_a_request_is_told(string body, string part)
    {
        using var response = await _server.Client.PostAsync("/generate", new StringContent(body, Encoding.UTF8, "application/json"));
        await Server.AssertProblemAsync(HttpStatusCode.BadRequest, part, response);
    }

    [Fact]
    public async Task A_text_longer_than_the_model_reads_is_told_before_anything_is_streamed()
    {
        using var response = await _server.Client.PostAsJsonAsync("/generate", new { text = string.Concat(Enumerable.Repeat("word ", 500)) });
        await Server.AssertProblemAsync(HttpStatusCode.BadRequest, "1502 tokens", response);
    }

    [Fact]
    public async Task An_adapter_that_is_not_there_or_classifies_is_not_found()
    {
        foreach (string adapter in new[] { "nothing", "topics" })
        {
            using var response = await _server.Client.PostAsJsonAsync("/generate", new { text = "a", adapter });
            await Server.AssertProblemAsync(HttpStatusCode.NotFound, $"There is no adapter '{adapter}' here; take one of: stories.", response);
        }
    }

    [Fact]
    public async Task An_uploaded_adapter_writes()
    {
        using var put = await _server.Owner.PutAsync("/adapters/tales", Upload.Zip(Server.Adapter("tiny-llama__prompt__CAUSAL_LM")));
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        using var response = await _server.Client.PostAsJsonAsync("/generate", new { text = "once", adapter = "tales", stream = false });
        Assert.NotEqual("", (await Server.ReadAsync(response)).GetProperty("text").GetString());
        using var removed = await _server.Owner.DeleteAsync("/adapters/tales");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
    }

    [Fact]
    public async Task An_adapter_writes_as_it_was_trained_to_where_a_request_does_not_say()
    {
        string generation = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "adapters/trails/generation.json")).Replace("\"max_new_tokens\": 64", "\"max_new_tokens\": 3", StringComparison.Ordinal);
        var files = Directory.EnumerateFiles(Server.Adapter("tiny-llama__prefix__CAUSAL_LM")).Select(file => (Path.GetFileName(file), File.ReadAllBytes(file)));
        using var put = await _server.Owner.PutAsync("/adapters/short", Upload.Zip([.. files, ("generation.json", Encoding.UTF8.GetBytes(generation))]));
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        async Task<int> TokensAsync(int? maxTokens)
        {
            using var response = await _server.Client.PostAsJsonAsync("/generate", new { text = "once", adapter = "short", maxTokens, stream = false });
            return (await Server.ReadAsync(response)).GetProperty("tokens").GetInt32();
        }
        Assert.Equal(3, await TokensAsync(null));
        Assert.Equal(5, await TokensAsync(5));
        using var removed = await _server.Owner.DeleteAsync("/adapters/short");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
    }

    private static async Task<List<SseItem<JsonElement>>> EventsAsync(HttpResponseMessage response)
    {
        var parser = SseParser.Create(await response.Content.ReadAsStreamAsync(), (_, data) => JsonSerializer.Deserialize<JsonElement>(data));
        var events = new List<SseItem<JsonElement>>();
        await foreach (var item in parser.EnumerateAsync())
            events.Add(item);
        return events;
    }
}
