using System.Net;
using System.Net.Http.Json;
using System.Text;

namespace Microsoft.ML.Peft.WebApi.Tests;

public sealed class ClassificationTests(TinyServer shared) : IClassFixture<TinyServer>
{
    private static readonly string[] Texts = ["where is my parcel", "it crashes", "thank you", "the invoice is wrong and I want my money back", "hello"];

    private readonly Server _server = shared.Server;

    [Fact]
    public async Task A_text_has_a_probability_per_label_the_likeliest_first()
    {
        using var response = await _server.Client.PostAsJsonAsync("/classify", new { adapter = "topics", text = "where is my parcel" });
        var answer = await Server.ReadAsync(response);
        Assert.Equal("topics", answer.GetProperty("adapter").GetString());
        var (label, probabilities) = Assert.Single(Server.Labels(answer));
        Assert.Equal(1, probabilities.Values.Sum(), 1e-4);
        Assert.Equal(probabilities.MaxBy(pair => pair.Value).Key, label);
        Assert.Equal(probabilities.Values.OrderDescending(), probabilities.Values);
    }

    [Fact]
    public async Task The_answer_is_the_librarys()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"));
        using var model = PeftModel.Load(backbone, Server.Adapter("tiny-bert__prefix__SEQ_CLS"));
        var expected = model.Classify(Texts);
        var given = await _server.LabelsAsync("topics", Texts);
        for (int i = 0; i < Texts.Length; i++)
            Assert.All(expected[i].Select((value, label) => (value, label)), pair => Assert.Equal(pair.value, given[i].Probabilities[$"{pair.label}"], 1e-4));
    }

    [Theory]
    [InlineData("""{"adapter":"topics"}""", "Give either text or texts.")]
    [InlineData("""{"adapter":"topics","text":"a","texts":["b"]}""", "Give either text or texts.")]
    [InlineData("""{"adapter":"topics","text":" "}""", "A text is empty")]
    [InlineData("""{"adapter":"topics","texts":["a",""]}""", "A text is empty")]
    [InlineData("""{"adapter":"topics","texts":["a",null]}""", "A text is empty")]
    [InlineData("""{"adapter":"topics","texts":[]}""", "There are 0 texts; give 1 to 64.")]
    [InlineData("""{"text":"a"}""", "adapter")]
    [InlineData("""{"adapter":null,"text":"a"}""", "adapter")]
    [InlineData("""{"adaptor":"topics","text":"a"}""", "adaptor")]
    [InlineData("""{"adapter":"topics",""", "The body is not what is asked for")]
    [InlineData("", "body")]
    public async Task What_is_wrong_with_a_request_is_told(string body, string part)
    {
        using var response = await _server.Client.PostAsync("/classify", new StringContent(body, Encoding.UTF8, "application/json"));
        await Server.AssertProblemAsync(HttpStatusCode.BadRequest, part, response);
    }

    [Fact]
    public async Task Limits_are_told()
    {
        using var tooLong = await _server.ClassifyAsync("topics", new string('a', 8001));
        await Server.AssertProblemAsync(HttpStatusCode.BadRequest, "A text has 8001 characters; shorten it to 8000.", tooLong);
        using var tooMany = await _server.ClassifyAsync("topics", [.. Enumerable.Repeat("a", 65)]);
        await Server.AssertProblemAsync(HttpStatusCode.BadRequest, "There are 65 texts; give 1 to 64.", tooMany);
        using var tooLarge = await _server.ClassifyAsync("topics", new string('a', 300_000));
        await Server.AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge, "The request is too large", tooLarge);
    }

    [Fact]
    public async Task Another_media_type_is_refused()
    {
        using var response = await _server.Client.PostAsync("/classify", new StringContent("adapter=topics&text=a", Encoding.UTF8, "application/x-www-form-urlencoded"));
        await Server.AssertProblemAsync(HttpStatusCode.UnsupportedMediaType, "application/json", response);
    }

    [Fact]
    public async Task An_adapter_that_is_not_there_or_writes_is_not_found()
    {
        foreach (string name in new[] { "nothing", "stories" })
        {
            using var response = await _server.ClassifyAsync(name, "a");
            await Server.AssertProblemAsync(HttpStatusCode.NotFound, $"There is no adapter '{name}' here; take one of: moods, topics.", response);
        }
    }

    [Fact]
    public async Task Another_path_or_method_is_told_as_problem_details()
    {
        using var path = await _server.Client.GetAsync("/nothing");
        using var method = await _server.Client.GetAsync("/classify");
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed), (path.StatusCode, method.StatusCode));
        Assert.All([path, method], response => Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType));
    }
}
