using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace WebApi.Hosting;

/// <summary>Knows clients by the header `X-Api-Key`.</summary>
internal sealed class ApiKeyHandler(
    IOptions<Settings> settings, IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "ApiKey";
    public const string HeaderName = "X-Api-Key";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (settings.Value.ApiKey is not { Length: > 0 } key || Request.Headers[HeaderName] is not [{ } given])
            return Task.FromResult(AuthenticateResult.NoResult());
        // Hashes are of the same length, so that the time that comparing takes says nothing of the key.
        bool equal = CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given)), SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        return Task.FromResult(equal
            ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity(SchemeName)), SchemeName))
            : AuthenticateResult.Fail("The API key is wrong."));
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        bool hasKey = !string.IsNullOrEmpty(settings.Value.ApiKey);
        if (hasKey)
            Response.Headers.WWWAuthenticate = $"{SchemeName} header=\"{HeaderName}\"";
        string detail = hasKey
            ? $"The API key is missing or wrong; send the server's in the header {HeaderName}."
            : "The server has no API key, without which this is not allowed; start it with one in the setting Peft:ApiKey.";
        await TypedResults.Problem(detail, statusCode: hasKey ? StatusCodes.Status401Unauthorized : StatusCodes.Status403Forbidden).ExecuteAsync(Context);
    }
}
