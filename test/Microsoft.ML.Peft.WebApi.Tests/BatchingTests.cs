using System.Net;

namespace Microsoft.ML.Peft.WebApi.Tests;

public sealed class BatchingTests
{
    private static readonly string[] Texts = ["where is my parcel", "it crashes", "thank you", "the invoice is wrong and I want my money back", "hello"];

    [Fact]
    public async Task Requests_of_several_adapters_share_a_batch_and_get_what_they_get_alone()
    {
        using var server = new Server(paused: true, settings: ("BatchDelay", "50"));
        using var waiting = server.Read<int>("peft.classification.waiting");
        using var rows = server.Read<int>("peft.classification.batch.rows");
        string Adapter(int i) => i % 2 == 0 ? "topics" : "moods";
        var requests = Texts.Select((text, i) => server.LabelsAsync(Adapter(i), text)).ToList();
        await waiting.UntilAsync(values => values.Sum() == Texts.Length);
        await server.Resume();
        var together = await Task.WhenAll(requests);
        await rows.UntilAsync(values => values.Count > 0);
        Assert.Equal([Texts.Length], rows.Values);

        for (int i = 0; i < Texts.Length; i++)
        {
            var alone = Assert.Single(await server.LabelsAsync(Adapter(i), Texts[i]));
            var inBatch = Assert.Single(together[i]);
            Assert.Equal(alone.Label, inBatch.Label);
            Assert.All(alone.Probabilities, pair => Assert.Equal(pair.Value, inBatch.Probabilities[pair.Key], 1e-4));
        }
        Assert.Equal(0, waiting.Values.Sum());
    }

    [Fact]
    public async Task A_batch_has_no_more_rows_than_it_may()
    {
        using var server = new Server(paused: true, settings: ("MaxBatchRows", "4"));
        using var waiting = server.Read<int>("peft.classification.waiting");
        using var rows = server.Read<int>("peft.classification.batch.rows");
        var requests = Enumerable.Range(0, 6).Select(_ => server.LabelsAsync("topics", "a", "b")).ToList();
        await waiting.UntilAsync(values => values.Sum() == 6);
        await server.Resume();
        await Task.WhenAll(requests);
        await rows.UntilAsync(values => values.Sum() == 12);
        Assert.Equal([4, 4, 4], rows.Values);
    }

    [Fact]
    public async Task When_too_many_requests_wait_the_next_is_told_to_come_again()
    {
        using var server = new Server(paused: true, settings: ("MaxWaitingRequests", "2"));
        using var waiting = server.Read<int>("peft.classification.waiting");
        using var rejected = server.Read<long>("peft.rejected");
        var first = new[] { server.LabelsAsync("topics", "a"), server.LabelsAsync("moods", "b") };
        await waiting.UntilAsync(values => values.Sum() == 2);
        using var third = await server.ClassifyAsync("topics", "c");
        await Server.AssertProblemAsync(HttpStatusCode.TooManyRequests, "Too many requests wait; send this one again later.", third);
        Assert.Equal("1", third.Headers.RetryAfter?.ToString());
        Assert.Equal([1], rejected.Values);
        await server.Resume();
        Assert.Equal(2, (await Task.WhenAll(first)).Length);
        Assert.Single(await server.LabelsAsync("topics", "c"));
    }

    [Fact]
    public async Task What_a_client_no_longer_waits_for_is_not_classified()
    {
        using var server = new Server(paused: true);
        using var waiting = server.Read<int>("peft.classification.waiting");
        using var rows = server.Read<int>("peft.classification.batch.rows");
        using (var leaving = server.CreateClient())
        {
            var left = leaving.PostAsync("/classify", new StringContent("""{"adapter":"topics","text":"left"}""", System.Text.Encoding.UTF8, "application/json"));
            await waiting.UntilAsync(values => values.Sum() == 1);
            leaving.CancelPendingRequests();
            await Assert.ThrowsAsync<TaskCanceledException>(() => left);
        }
        var stays = server.LabelsAsync("topics", "stays");
        await waiting.UntilAsync(values => values.Sum() == 2);
        // The server learns a moment later that the client has left.
        await Task.Delay(200);
        await server.Resume();
        Assert.Single(await stays);
        await rows.UntilAsync(values => values.Count > 0);
        Assert.Equal([1], rows.Values);
    }
}
