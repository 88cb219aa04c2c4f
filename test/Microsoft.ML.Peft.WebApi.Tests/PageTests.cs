using PuppeteerSharp;

namespace Microsoft.ML.Peft.WebApi.Tests;

/// <summary>The page in a browser, on the sample as it starts without settings.</summary>
[Collection(EmbeddedServerTests.Name)]
public sealed class PageTests(EmbeddedServer shared, Chromium chromium) : IClassFixture<Chromium>
{
    private readonly Server _server = shared.Server;

    private Uri Address => _server.Client.BaseAddress!;

    [SkippableFact]
    public async Task What_is_typed_is_classified_by_the_chosen_adapters()
    {
        await using var page = await OpenAsync();
        await page.Page.TypeAsync("#classify-text", "Where is my parcel?");
        await WaitAsync(page, "document.querySelectorAll('.result').length === 2 && document.querySelector('#classify-results').ariaBusy === 'false'");
        var expected = (await _server.LabelsAsync("queues", "Where is my parcel?"))[0];
        string[] bars = await page.Page.EvaluateExpressionAsync<string[]>("""
            [...[...document.querySelectorAll('.result')].find(result => result.innerText.startsWith('queues')).querySelectorAll('li')]
                .map(bar => bar.firstChild.textContent + ' ' + parseFloat(bar.querySelector('i').style.width).toFixed(1))
            """);
        Assert.Equal(expected.Probabilities.Select(pair => FormattableString.Invariant($"{pair.Key} {100 * pair.Value:F1}")), bars);

        // Keys come faster than requests.
        Assert.InRange(page.Requests.Count(url => url.EndsWith("/classify", StringComparison.Ordinal)), 2, 2 * "Where is my parcel?".Length - 2);

        await page.ClickAsync("#classify-adapters input[value=moods]");
        await WaitAsync(page, "document.querySelectorAll('.result').length === 1");
        await page.Page.EvaluateExpressionAsync("document.querySelector('#classify-text').value = ''; document.querySelector('#classify-text').dispatchEvent(new Event('input'))");
        await WaitAsync(page, "document.querySelectorAll('.result').length === 0");
        Assert.Empty(page.Complaints);
    }

    [SkippableFact]
    public async Task A_text_is_written_piece_by_piece_and_can_be_stopped()
    {
        await using var page = await OpenAsync();
        await page.Page.SelectAsync("#write-adapter", "trails");
        Assert.Contains("Quarry Round", await ValueAsync(page, "#write-text"), StringComparison.Ordinal);
        await page.ClickAsync("#write-start");
        await WaitAsync(page, "document.querySelector('#write-status').textContent.includes('per second') && document.querySelector('#write-stop').disabled");
        Assert.Contains("Quarry Round", await page.TextAsync("#write-output"), StringComparison.Ordinal);

        await page.Page.SelectAsync("#write-adapter", "");
        await page.Page.EvaluateExpressionAsync("document.querySelector('#write-text').value = 'Tell me a long story about a dragon.'; document.querySelector('#write-tokens').value = 256");
        using var active = _server.Read<int>("peft.generation.active");
        await page.ClickAsync("#write-start");
        await WaitAsync(page, "document.querySelector('#write-output').textContent.length > 5");
        await page.ClickAsync("#write-stop");
        await WaitAsync(page, "document.querySelector('#write-status').textContent === 'Stopped'");
        await active.UntilAsync(values => values.Count >= 2 && values.Sum() == 0);
        Assert.Empty(page.Complaints);
    }

    [SkippableFact]
    public async Task Adapters_are_added_and_removed_with_the_key()
    {
        await using var page = await OpenAsync();
        await page.Page.TypeAsync("#upload-name", "feelings");
        await (await page.Page.QuerySelectorAsync("#upload-files")).UploadFileAsync([.. Directory.EnumerateFiles(Path.Combine(_server.AdapterDirectory, "moods"))]);
        await page.ClickAsync("#upload-form button");
        await WaitAsync(page, "document.querySelector('#adapters-message').textContent.includes('API key')");
        await page.Page.TypeAsync("#upload-key", Server.ApiKey);
        await page.ClickAsync("#upload-form button");
        await WaitAsync(page, "document.querySelector('#adapters-message').textContent === 'feelings is served.'");
        Assert.Contains("feelings", await page.TextAsync("#classify-adapters"), StringComparison.Ordinal);

        await page.ClickAsync("button[aria-label='Remove feelings']");
        await WaitAsync(page, "document.querySelector('#adapters-message').textContent === 'Removed feelings.'");
        Assert.DoesNotContain("feelings", await page.TextAsync("#adapters-list"), StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(400, false)]
    [InlineData(400, true)]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    public async Task It_fits_every_window_asks_nobody_else_and_names_what_it_has(int width, bool dark)
    {
        await using var page = await chromium.OpenAsync(Address, width, 900, dark);
        await WaitAsync(page, "document.querySelectorAll('#adapters-list li').length === 3");
        await page.ClickAsync("#classify-examples button");
        await WaitAsync(page, "document.querySelectorAll('.result').length === 2 && document.querySelector('#classify-results').ariaBusy === 'false'");
        // The README's picture, and for whoever changes the page.
        if (Environment.GetEnvironmentVariable("PEFTML_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await page.Page.SelectAsync("#write-adapter", "trails");
            await page.ClickAsync("#write-start");
            await WaitAsync(page, "document.querySelector('#write-status').textContent.includes('per second') && document.querySelector('#write-stop').disabled");
            await page.Page.ScreenshotAsync(Path.Combine(folder, $"page-{width}{(dark ? "-dark" : "")}.png"), new ScreenshotOptions { FullPage = true });
        }

        Assert.Equal(width, await page.Page.EvaluateExpressionAsync<int>("document.documentElement.scrollWidth"));
        Assert.All(page.Requests, request => Assert.StartsWith(Address.AbsoluteUri, request, StringComparison.Ordinal));
        Assert.Empty(page.Complaints);
        string[] nameless = await page.Page.EvaluateExpressionAsync<string[]>("[...document.querySelectorAll('input, select, textarea, button')].filter(field => !(field.labels?.length || field.ariaLabel || field.textContent.trim())).map(field => field.outerHTML)");
        Assert.Empty(nameless);
        Assert.Equal(dark, await page.Page.EvaluateExpressionAsync<bool>("getComputedStyle(document.body).backgroundColor === 'rgb(17, 20, 27)'"));
    }

    private async Task<OpenPage> OpenAsync()
    {
        var page = await chromium.OpenAsync(Address);
        await WaitAsync(page, "document.querySelectorAll('#adapters-list li').length > 0");
        return page;
    }

    private static Task<IJSHandle> WaitAsync(OpenPage page, string condition) => page.Page.WaitForExpressionAsync(condition, new WaitForFunctionOptions { Timeout = 30_000 });

    private static Task<string> ValueAsync(OpenPage page, string selector) => page.Page.EvaluateFunctionAsync<string>("selector => document.querySelector(selector).value", selector);
}
