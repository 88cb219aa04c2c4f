using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using WebApi.Hosting;

namespace WebApi.Generation;

/// <summary>As many texts are written at a time as the settings say; further requests are told to come again.</summary>
internal static class GenerationLimit
{
    public const string Policy = "generate";

    public static void Add(IServiceCollection services)
    {
        services.AddRateLimiter(options => options.OnRejected = (context, _) =>
        {
            context.HttpContext.RequestServices.GetRequiredService<ServerMetrics>().Rejected("generate");
            throw new RequestException(StatusCodes.Status429TooManyRequests, "As many texts are being written as the server can; send this request again later.") { RetryAfter = 5 };
        });
        services.AddOptions<Microsoft.AspNetCore.RateLimiting.RateLimiterOptions>().Configure<IOptions<Settings>>((options, settings) =>
            options.AddPolicy(Policy, _ => RateLimitPartition.GetConcurrencyLimiter(0, _ => new ConcurrencyLimiterOptions { PermitLimit = settings.Value.MaxWritings })));
    }
}
