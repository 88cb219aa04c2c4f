using System.Net;
using System.Net.Http.Json;

namespace Microsoft.ML.Peft.WebApi.Tests;

/// <summary>The sample as it starts without settings.</summary>
[Collection(EmbeddedServerTests.Name)]
public sealed class EmbeddedModelsTests(EmbeddedServer shared)
{
    private readonly Server _server = shared.Server;

    [Theory]
    [InlineData("queues", "Where is my parcel?", "Shipping")]
    [InlineData("queues", "How do I reset my password?", "Account access")]
    [InlineData("moods", "I am furious. You charged me twice and nobody answers!", "Upset")]
    [InlineData("moods", "The earbuds are wonderful, thank you!", "Pleased")]
    [InlineData("moods", "Which carrier brings the parcel?", "Neutral")]
    public async Task The_samples_adapters_classify(string adapter, string text, string label) => Assert.Equal(label, (await _server.LabelsAsync(adapter, text))[0].Label);

    [Theory]
    [InlineData("queues", "QuickStart/data/tickets-test.tsv", 0.68)]
    [InlineData("moods", "WebApi/data/moods-test.tsv", 0.81)]
    public async Task The_samples_adapters_are_as_good_as_their_README_says(string adapter, string file, double accuracy)
    {
        string[][] rows = [.. File.ReadLines(Path.Combine(Fixtures.Default, "../../../samples", file)).Skip(1).Select(line => line.Split('\t'))];
        int right = 0;
        foreach (var batch in rows.Chunk(64))
            right += (await _server.LabelsAsync(adapter, [.. batch.Select(row => row[0])])).Zip(batch, (given, row) => given.Label == row[1]).Count(isRight => isRight);
        Assert.InRange((double)right / rows.Length, accuracy, 1);
    }

    [Fact]
    public async Task The_samples_adapter_writes_of_what_it_is_given()
    {
        using var response = await _server.Client.PostAsJsonAsync("/generate", new { text = "name: Quarry Round | length: 5 km | difficulty: moderate", adapter = "trails", stream = false });
        var answer = await Server.ReadAsync(response);
        Assert.Contains("Quarry Round", answer.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal("stop", answer.GetProperty("finishReason").GetString());
    }

    [Fact]
    public async Task A_client_who_leaves_ends_his_text_and_makes_room_for_others()
    {
        using var active = _server.Read<int>("peft.generation.active");
        using var rejected = _server.Read<long>("peft.rejected");
        using (var leaving = await StartAsync(256))
        {
            await using var stream = await leaving.Content.ReadAsStreamAsync();
            Assert.True(await stream.ReadAsync(new byte[10]) > 0);
            using var second = await StartAsync(1);
            await Server.AssertProblemAsync(HttpStatusCode.TooManyRequests, "send this request again later", second);
            Assert.Equal("5", second.Headers.RetryAfter?.ToString());
            Assert.Equal([1], rejected.Values);
            Assert.Equal(1, active.Values.Sum());
        }
        await active.UntilAsync(values => values.Sum() == 0);
        using var next = await StartAsync(1);
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
    }

    private Task<HttpResponseMessage> StartAsync(int maxTokens)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/generate") { Content = JsonContent.Create(new { text = "Tell me a long story about a dragon.", maxTokens }) };
        return _server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }
}
