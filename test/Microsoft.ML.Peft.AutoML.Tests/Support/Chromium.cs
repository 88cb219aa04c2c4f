using PuppeteerSharp;

namespace Microsoft.ML.Peft.AutoML.Tests.Support;

/// <summary>A browser without window for the tests of a class. Without one tests are skipped, but not where CI is set: there one must be.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private IBrowser? _browser;

    public async Task InitializeAsync()
    {
        if (Executable is { } executable)
            _browser = await Puppeteer.LaunchAsync(new LaunchOptions
            {
                ExecutablePath = executable,
                Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
            });
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
    }

    /// <summary>Opens a file in a window of a size.</summary>
    internal Task<OpenPage> OpenAsync(string file, int width = 1280, int height = 900, bool dark = false) => OpenAsync(new Uri(Path.GetFullPath(file)), width, height, dark);

    /// <summary>Opens an address in a window of a size.</summary>
    internal async Task<OpenPage> OpenAsync(Uri address, int width = 1280, int height = 900, bool dark = false)
    {
        if (_browser is null && Environment.GetEnvironmentVariable("CI") == "true")
            Assert.Fail("There is no Chromium to open the page in; install Debian's package chromium.");
        Skip.If(_browser is null, "There is no Chromium to open the page in; install one (chromium or google-chrome on the PATH).");
        var page = new OpenPage(await _browser!.NewPageAsync());
        await page.Page.SetViewportAsync(new ViewPortOptions { Width = width, Height = height });
        await page.Page.EmulateMediaFeaturesAsync([new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = dark ? "dark" : "light" }]);
        await page.Page.GoToAsync(address.AbsoluteUri);
        return page;
    }

    private static string? Executable => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => Names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
}

/// <summary>A page with what it complained about and what it asked the network for.</summary>
internal sealed class OpenPage : IAsyncDisposable
{
    public OpenPage(IPage page)
    {
        Page = page;
        page.Console += (_, e) => Complaints.Add($"{e.Message.Type}: {e.Message.Text}");
        page.PageError += (_, e) => Complaints.Add(e.Message);
        page.Request += (_, e) => Requests.Add(e.Request.Url);
    }

    public IPage Page { get; }

    public List<string> Complaints { get; } = [];

    public List<string> Requests { get; } = [];

    public Task<string> TextAsync(string selector) => Page.EvaluateFunctionAsync<string>("selector => document.querySelector(selector).innerText", selector);

    public Task ClickAsync(string selector) => Page.EvaluateFunctionAsync("selector => document.querySelector(selector).click()", selector);

    /// <summary>What a chart has drawn, in pixels of the window.</summary>
    public async Task<DrawnChart> ChartAsync(string id) => new(await Page.EvaluateFunctionAsync<DrawnMark[]>(DrawnChart.Script, id));

    public async ValueTask DisposeAsync() => await Page.CloseAsync();
}
