using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Microsoft.ML.Peft.WebApi.Tests;

public sealed class AdapterTests : IDisposable
{
    private const string Prompt = "tiny-bert__prompt__SEQ_CLS", Prefix = "tiny-bert__prefix__SEQ_CLS";

    private readonly Server _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Adapters_are_listed_with_what_they_do()
    {
        var adapters = (await Server.ReadAsync(await _server.Client.GetAsync("/adapters"))).EnumerateArray().ToList();
        Assert.Equal(["moods", "stories", "topics"], adapters.Select(adapter => adapter.GetProperty("name").GetString()));
        Assert.Equal(["classification", "generation", "classification"], adapters.Select(adapter => adapter.GetProperty("kind").GetString()));
        Assert.Equal(["PROMPT_TUNING", "PREFIX_TUNING", "PREFIX_TUNING"], adapters.Select(adapter => adapter.GetProperty("method").GetString()));
    }

    [Theory]
    [InlineData("zip", "")]
    [InlineData("zip", "some/folder/")]
    [InlineData("form", "")]
    public async Task An_uploaded_adapter_classifies_and_is_there_after_a_restart_until_it_is_removed(string kind, string folder)
    {
        using var content = kind == "zip" ? Upload.Zip(Server.Adapter(Prompt), folder) : (HttpContent)Upload.Form(Server.Adapter(Prompt));
        using var put = await _server.Owner.PutAsync("/adapters/mine", content);
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        Assert.Equal("/adapters/mine", put.Headers.Location?.ToString());
        var expected = await _server.LabelsAsync("moods", "a text");
        Assert.Equal(expected[0].Probabilities, (await _server.LabelsAsync("mine", "a text"))[0].Probabilities);

        using (var restarted = new Server(settings: ("AdapterDirectory", _server.AdapterDirectory)))
            Assert.Equal(expected[0].Label, (await restarted.LabelsAsync("mine", "a text"))[0].Label);

        using var removed = await _server.Owner.DeleteAsync("/adapters/mine");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        Assert.False(Directory.Exists(Path.Combine(_server.AdapterDirectory, "mine")));
        using var after = await _server.ClassifyAsync("mine", "a text");
        Assert.Equal(HttpStatusCode.NotFound, after.StatusCode);
        using var again = await _server.Owner.DeleteAsync("/adapters/mine");
        await Server.AssertProblemAsync(HttpStatusCode.NotFound, "There is no adapter 'mine'", again);
    }

    [Fact]
    public async Task An_adapter_takes_the_place_of_one_of_the_same_name()
    {
        var before = await _server.LabelsAsync("topics", "a text");
        using var put = await _server.Owner.PutAsync("/adapters/topics", Upload.Zip(Server.Adapter(Prompt)));
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        var after = await _server.LabelsAsync("topics", "a text");
        Assert.NotEqual(before[0].Probabilities, after[0].Probabilities);
        Assert.Equal((await _server.LabelsAsync("moods", "a text"))[0].Probabilities, after[0].Probabilities);
    }

    [Fact]
    public async Task Adapters_come_go_and_are_replaced_while_others_classify()
    {
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 4).Select(client => Task.Run(async () =>
        {
            int count = 0;
            for (; !stop.IsCancellationRequested; count++)
                Assert.Single(await _server.LabelsAsync(client % 2 == 0 ? "topics" : "moods", $"text {count}"));
            return count;
        })).ToList();
        for (int round = 0; round < 10; round++)
        {
            using var added = await _server.Owner.PutAsync($"/adapters/more-{round}", Upload.Zip(Server.Adapter(Prefix)));
            using var replaced = await _server.Owner.PutAsync("/adapters/topics", Upload.Zip(Server.Adapter(round % 2 == 0 ? Prompt : Prefix)));
            using var removed = await _server.Owner.DeleteAsync($"/adapters/more-{round}");
            Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK, HttpStatusCode.NoContent), (added.StatusCode, replaced.StatusCode, removed.StatusCode));
        }
        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(clients), count => Assert.True(count > 0));
    }

    [Fact]
    public async Task Changes_need_the_key()
    {
        using var wrong = _server.CreateClient();
        wrong.DefaultRequestHeaders.Add("X-Api-Key", Server.ApiKey + "x");
        foreach (var client in new[] { _server.Client, wrong })
        {
            using var put = await client.PutAsync("/adapters/mine", Upload.Zip(Server.Adapter(Prompt)));
            await Server.AssertProblemAsync(HttpStatusCode.Unauthorized, "send the server's in the header X-Api-Key", put);
            using var delete = await client.DeleteAsync("/adapters/topics");
            await Server.AssertProblemAsync(HttpStatusCode.Unauthorized, "X-Api-Key", delete);
        }
        Assert.Single(await _server.LabelsAsync("topics", "still there"));
    }

    [Fact]
    public async Task A_server_without_a_key_lets_nobody_change_adapters()
    {
        using var server = new Server(settings: ("ApiKey", ""));
        using var put = await server.Owner.PutAsync("/adapters/mine", Upload.Zip(Server.Adapter(Prompt)));
        await Server.AssertProblemAsync(HttpStatusCode.Forbidden, "start it with one in the setting Peft:ApiKey", put);
    }

    [Fact]
    public async Task The_key_can_be_asked_for_everything()
    {
        using var server = new Server(settings: ("RequireApiKey", "true"));
        using var refused = await server.ClassifyAsync("topics", "a");
        await Server.AssertProblemAsync(HttpStatusCode.Unauthorized, "X-Api-Key", refused);
        using var listed = await server.Client.GetAsync("/adapters");
        Assert.Equal(HttpStatusCode.Unauthorized, listed.StatusCode);
        using var allowed = await server.Owner.GetAsync("/adapters");
        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
    }

    [Theory]
    [InlineData("../adapter_config.json")]
    [InlineData("..\\adapter_config.json")]
    [InlineData("/etc/adapter_config.json")]
    [InlineData("C:\\adapter_config.json")]
    [InlineData("a/../../../adapter_config.json")]
    public async Task An_entry_outside_of_the_zip_file_is_refused(string name)
    {
        byte[] configuration = File.ReadAllBytes(Path.Combine(Server.Adapter(Prompt), "adapter_config.json"));
        byte[] tensors = File.ReadAllBytes(Path.Combine(Server.Adapter(Prompt), "adapter_model.safetensors"));
        await AssertRefusedAsync(HttpStatusCode.BadRequest, "lies outside of it", Upload.Zip(("adapter_model.safetensors", tensors), (name, configuration)));
    }

    [Fact]
    public async Task A_zip_bomb_is_refused_when_it_has_grown_too_large()
    {
        using var server = new Server(settings: ("MaxAdapterBytes", "1000000"));
        var bomb = Upload.Zip(("adapter_model.safetensors", new byte[50_000_000]));
        Assert.InRange(bomb.Headers.ContentLength!.Value, 0, 100_000);
        using var response = await server.Owner.PutAsync("/adapters/bomb", bomb);
        await Server.AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge, "more than 1000000 bytes", response);
    }

    [Fact]
    public async Task What_is_no_adapter_is_refused_with_the_reason()
    {
        byte[] configuration = File.ReadAllBytes(Path.Combine(Server.Adapter(Prompt), "adapter_config.json"));
        byte[] tensors = File.ReadAllBytes(Path.Combine(Server.Adapter(Prompt), "adapter_model.safetensors"));
        foreach (var (part, content) in new (string, HttpContent)[]
        {
            ("The zip file cannot be read", Upload.Zip([1, 2, 3])),
            ("The zip file cannot be read", Upload.Zip(Array.Empty<byte>())),
            ("lacks 'adapter_config.json'", Upload.Zip(("readme.txt", [1]))),
            ("adapter_model.safetensors", Upload.Zip(("adapter_config.json", configuration))),
            ("adapter_model.safetensors", Upload.Zip(("adapter_config.json", configuration), ("adapter_model.safetensors", tensors[..^10]))),
            ("adapter_config.json", Upload.Zip(("adapter_config.json", [1, 2]), ("adapter_model.safetensors", tensors))),
            ("'adapter_config.json' is there twice", Upload.Zip(("a/adapter_config.json", configuration), ("b/adapter_config.json", configuration))),
            ("The zip file has 101 entries", Upload.Zip([.. Enumerable.Range(0, 101).Select(i => ($"{i}", Array.Empty<byte>()))])),
            ("The form cannot be read", new StringContent("--x\r\nno form") { Headers = { ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=x") } }),
            ("The form has no files", new MultipartFormDataContent { { new StringContent("x"), "field" } }),
            ("'secret.txt' is no file of an adapter", new MultipartFormDataContent { { new ByteArrayContent([1]), "files", "secret.txt" } }),
        })
        {
            await AssertRefusedAsync(HttpStatusCode.BadRequest, part, content);
        }
    }

    [Fact]
    public async Task An_adapter_of_another_model_is_refused()
    {
        await AssertRefusedAsync(HttpStatusCode.BadRequest, "", Upload.Zip(Server.Adapter("tiny-electra__prompt__SEQ_CLS")));
        await AssertRefusedAsync(HttpStatusCode.BadRequest, "", Upload.Zip(Server.Adapter("tiny-gpt2__prefix__CAUSAL_LM")));
    }

    [Fact]
    public async Task Wrong_names_are_refused()
    {
        foreach (string name in new[] { "Upper", "a.b", "a%2fb", "1st", new string('a', 65) })
        {
            using var response = await _server.Owner.PutAsync($"/adapters/{name}", Upload.Zip(Server.Adapter(Prompt)));
            await Server.AssertProblemAsync(HttpStatusCode.BadRequest, "lower-case letters", response);
        }
        using var taken = await _server.Owner.PutAsync("/adapters/stories", Upload.Zip(Server.Adapter(Prompt)));
        await Server.AssertProblemAsync(HttpStatusCode.Conflict, "remove it first, or take another name", taken);
    }

    [Fact]
    public async Task Uploads_are_limited()
    {
        using var server = new Server(settings: [("MaxUploadBytes", "2000"), ("MaxAdapters", "3")]);
        using var large = await server.Owner.PutAsync("/adapters/large", Upload.Zip(new byte[3000]));
        await Server.AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge, "The request is too large", large);
        using var form = await server.Owner.PutAsync("/adapters/large", Upload.Form(Server.Adapter(Prefix)));
        await Server.AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge, "The request is too large", form);
        using var many = await _server.Owner.PutAsync("/adapters/other", new StringContent("{}", Encoding.UTF8, "application/json"));
        await Server.AssertProblemAsync(HttpStatusCode.UnsupportedMediaType, "application/zip or multipart/form-data", many);
    }

    [Fact]
    public async Task There_are_no_more_adapters_than_the_settings_allow()
    {
        using var server = new Server(settings: ("MaxAdapters", "3"));
        using var response = await server.Owner.PutAsync("/adapters/fourth", Upload.Zip(Server.Adapter(Prompt)));
        await Server.AssertProblemAsync(HttpStatusCode.Conflict, "as many as it may; remove one first", response);
    }

    private async Task AssertRefusedAsync(HttpStatusCode status, string part, HttpContent content)
    {
        using var response = await _server.Owner.PutAsync("/adapters/refused", content);
        await Server.AssertProblemAsync(status, part, response);
        string body = await response.Content.ReadAsStringAsync();
        Assert.DoesNotContain("peft-upload-", body, StringComparison.Ordinal);     // where it lay is the server's own affair
        Assert.False(Directory.Exists(Path.Combine(_server.AdapterDirectory, "refused")));
    }
}
