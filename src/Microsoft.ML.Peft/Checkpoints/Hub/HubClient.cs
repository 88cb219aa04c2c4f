using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Polly;
using Polly.Retry;

namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>Talks to the hub: what a file is, and its bytes. Redirects are followed here, so that the token goes to the hub alone.</summary>
internal sealed class HubClient : IDisposable
{
    private const int MostRedirects = 10;
    private const int LongestListing = 1 << 24;

    private static readonly ProductInfoHeaderValue Agent = new("PeftMl", typeof(HubClient).Assembly.GetName().Version?.ToString(3));

    private readonly HubOptions _options;
    private readonly Uri _endpoint;
    private readonly HttpClient _http;
    private readonly ResiliencePipeline _retry;

    public HubClient(HubOptions options)
    {
        _options = options;
        _endpoint = new Uri(options.Endpoint);
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = options.ConnectTimeout };
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        _retry = options.Retries == 0 ? ResiliencePipeline.Empty : new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<HubUnavailableException>(MayPass),
            MaxRetryAttempts = options.Retries,
            BackoffType = DelayBackoffType.Exponential,
            Delay = options.RetryDelay,
            DelayGenerator = attempt => ValueTask.FromResult((attempt.Outcome.Exception as HubUnavailableException)?.RetryAfter),
        }).Build();
    }

    public bool MayPass(HubUnavailableException failure) => !(failure.RetryAfter > _options.MaxRetryAfter);

    /// <summary>Runs something again, with growing waits, while it fails with a <see cref="HubUnavailableException"/> that may pass.</summary>
    public ValueTask<T> RetryAsync<T>(Func<CancellationToken, ValueTask<T>> run, CancellationToken cancellationToken) => _retry.ExecuteAsync(run, cancellationToken);

    /// <summary>What the hub states of a file; null where the revision has none of that name.</summary>
    public async Task<HubFile?> FindAsync(HubId id, string name, CancellationToken cancellationToken) =>
        await RetryAsync(async token => await FindOnceAsync(id, name, token), cancellationToken);

    /// <summary>The bytes of a file from an offset on: the answer is 200 (all of it), 206 or 416.</summary>
    public async Task<HttpResponseMessage> OpenAsync(HubFile file, long from, CancellationToken cancellationToken)
    {
        var id = file.Id;
        Uri address = Address(id, file.Name);
        for (int hop = 0; hop <= MostRedirects; hop++)
        {
            var response = await SendAsync(HttpMethod.Get, address, from, id, cancellationToken);
            if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable)
                return response;
            using (response)
            {
                var next = Redirect(response, address, id);
                if (next is null && !IsHub(address))
                    throw HubErrors.Broken(file, $"{address.Host} answers {(int)response.StatusCode}");   // an address that has expired, mostly
                if (next is null)
                    throw IsAbsent(response, id) ? HubErrors.NoFile(id, file.Name, _options, "it was there a moment ago, so try again") : Failure(response, id);
                address = next;
            }
        }
        throw HubErrors.NoHub(id, "it redirects without end", _options);
    }

    /// <summary>The names of a revision's files, for advice; null where the server does not list them.</summary>
    public async Task<IReadOnlyList<string>?> ListAsync(HubId id, CancellationToken cancellationToken)
    {
        try
        {
            var address = new Uri($"{_options.Endpoint}/api/models/{id.Repository}/revision/{Uri.EscapeDataString(id.Revision)}");
            using var watch = Watch(cancellationToken);
            using var response = await SendAsync(HttpMethod.Get, address, 0, id, cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
                return null;
            await response.Content.LoadIntoBufferAsync(LongestListing, watch.Token);
            using var listing = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(watch.Token));
            return [.. listing.RootElement.GetProperty("siblings").EnumerateArray().Select(file => file.GetProperty("rfilename").GetString() ?? "")];
        }
        catch (Exception e) when (e is IOException or HttpRequestException or JsonException or KeyNotFoundException or InvalidOperationException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<HubFile?> FindOnceAsync(HubId id, string name, CancellationToken cancellationToken)
    {
        Uri address = Address(id, name);
        string? commit = null, linkedHash = null, linkedSize = null;
        for (int hop = 0; hop <= MostRedirects; hop++)
        {
            using var response = await SendAsync(HttpMethod.Head, address, 0, id, cancellationToken);
            var next = Redirect(response, address, id);
            if (next is null && response.StatusCode != HttpStatusCode.OK)
                return IsAbsent(response, id) ? null : throw Failure(response, id);
            commit ??= Header(response, "X-Repo-Commit");
            linkedHash ??= Header(response, "X-Linked-Etag");
            linkedSize ??= Header(response, "X-Linked-Size");
            // A renamed repository stays on the hub. Storage is not asked: the hub has said what lies there.
            if (next is null || !IsHub(next) || (commit is not null && linkedHash is not null && linkedSize is not null))
            {
                string? size = linkedSize ?? (next is null ? response.Content.Headers.ContentLength?.ToString(CultureInfo.InvariantCulture) : null);
                return Stated(id, name, commit, linkedHash ?? Header(response, "ETag"), size);
            }
            address = next;
        }
        throw HubErrors.NoHub(id, "it redirects without end", _options);
    }

    private Uri Address(HubId id, string name) =>
        new($"{_options.Endpoint}/{id.Repository}/resolve/{Uri.EscapeDataString(id.Revision)}/{string.Join('/', name.Split('/').Select(Uri.EscapeDataString))}");

    private bool IsHub(Uri address) => Uri.Compare(address, _endpoint, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri address, long from, HubId id, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, address);
        request.Headers.UserAgent.Add(Agent);
        // Compressed answers would hide the size, and could not be resumed.
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        if (from > 0)
            request.Headers.Range = new RangeHeaderValue(from, null);
        if (_options.Token is { } token && IsHub(address))
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var watch = Watch(cancellationToken);
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, watch.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw HubErrors.Unreachable(id, $"{address.Host} did not answer in time", null, _options);
        }
        catch (HttpRequestException e)
        {
            throw HubErrors.Unreachable(id, (e.InnerException ?? e).Message, e, _options);
        }
    }

    private CancellationTokenSource Watch(CancellationToken cancellationToken)
    {
        var watch = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        watch.CancelAfter(_options.StallTimeout);
        return watch;
    }

    /// <summary>Where an answer points to; null where it does not.</summary>
    private Uri? Redirect(HttpResponseMessage response, Uri address, HubId id)
    {
        if (response.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect))
            return null;
        var next = response.Headers.Location is { } location ? new Uri(address, location) : throw HubErrors.NoHub(id, "it redirects to nowhere", _options);
        bool safe = next.Scheme == Uri.UriSchemeHttps || (next.Scheme == Uri.UriSchemeHttp && address.Scheme == Uri.UriSchemeHttp);
        return safe ? next : throw HubErrors.NoHub(id, $"it redirects to {next.Scheme}://{next.Host}, which is not encrypted", _options);
    }

    private HubFile Stated(HubId id, string name, string? commit, string? etag, string? size)
    {
        string hash = (etag ?? "").TrimStart('W', '/').Trim('"');
        if (commit is null || !HubId.IsCommit(commit))
            throw HubErrors.NoHub(id, "it states no commit", _options);
        if (HubId.IsCommit(id.Revision) && commit != id.Revision)
            throw HubErrors.NoHub(id, $"asked for the commit {id.Revision} it gives {commit}", _options);
        if (!HubHash.IsValid(hash))
            throw HubErrors.NoHub(id, $"it states no hash of '{name}'", _options);
        return long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes)
            ? new HubFile(id with { Revision = commit }, name, hash, bytes)
            : throw HubErrors.NoHub(id, $"it states no size of '{name}'", _options);
    }

    private bool IsAbsent(HttpResponseMessage response, HubId id) => response.StatusCode == HttpStatusCode.NotFound && Header(response, "X-Error-Code") switch
    {
        "RepoNotFound" => throw HubErrors.NoRepository(id, _options),
        "RevisionNotFound" => throw HubErrors.NoRevision(id, _options),
        _ => true,
    };

    private Exception Failure(HttpResponseMessage response, HubId id)
    {
        var status = response.StatusCode;
        string? reason = Header(response, "X-Error-Message") ?? response.ReasonPhrase;
        return (Header(response, "X-Error-Code"), (int)status) switch
        {
            ("GatedRepo", _) => HubErrors.Gated(id, _options),
            // Who may not see a repository is told that there is none.
            ("RepoNotFound", _) => HubErrors.NoRepository(id, _options),
            (_, 401 or 403) => HubErrors.Refused(id, status, reason, _options),
            (_, 408 or 429 or >= 500) => HubErrors.Busy(id, status, reason, RetryAfter(response), _options),
            _ => HubErrors.Unexpected(id, status, reason, _options),
        };
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        var wait = response.Headers.RetryAfter?.Delta ?? response.Headers.RetryAfter?.Date - DateTimeOffset.UtcNow;
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    // As it was sent: etags without quotation marks are no etags to HttpClient.
    private static string? Header(HttpResponseMessage response, string name) => response.Headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;
}
