using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace WebApi.Hosting;

/// <summary>Who may do what.</summary>
internal static class Access
{
    /// <summary>Needs the API key.</summary>
    public const string Change = "change";

    /// <summary>Needs the API key where the settings say so.</summary>
    public const string Use = "use";

    public static void Add(IServiceCollection services)
    {
        services.AddAuthentication(ApiKeyHandler.SchemeName).AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(ApiKeyHandler.SchemeName, null);
        services.AddAuthorization();
        services.AddOptions<AuthorizationOptions>().Configure<IOptions<Settings>>((options, settings) =>
        {
            options.AddPolicy(Change, policy => policy.RequireAuthenticatedUser());
            options.AddPolicy(Use, policy => policy.RequireAssertion(context => !settings.Value.RequireApiKey || context.User.Identity?.IsAuthenticated == true));
        });
    }
}
