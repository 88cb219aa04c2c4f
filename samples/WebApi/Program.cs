using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;
using Samples;
using WebApi;
using WebApi.Adapters;
using WebApi.Classification;
using WebApi.Generation;
using WebApi.Hosting;

return ExitCode.Of(() => Run(args));

static void Run(string[] args)
{
    try
    {
        // From any folder: settings and page lie beside the program.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        AddServices(builder.Services);
        using var app = builder.Build();
        Map(app);
        // Models and adapters are there before the first request is taken; what is wrong with them ends the program.
        app.Services.GetRequiredService<AdapterStore>();
        app.Run();
    }
    catch (OptionsValidationException e)
    {
        throw new ArgumentException(e.Message, e);
    }
}

static void AddServices(IServiceCollection services)
{
    services.AddOptions<Settings>().BindConfiguration(Settings.Section).ValidateDataAnnotations();
    services.AddOptions<KestrelServerOptions>().Configure<IOptions<Settings>>((kestrel, settings) =>
    {
        kestrel.Limits.MaxRequestBodySize = settings.Value.MaxRequestBytes;
        kestrel.AddServerHeader = false;
    });
    services.ConfigureHttpJsonOptions(json =>
    {
        // A misspelt or missing value is an error, not a default.
        json.SerializerOptions.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        json.SerializerOptions.RespectNullableAnnotations = true;
        json.SerializerOptions.RespectRequiredConstructorParameters = true;
        json.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
    });
    services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
    services.AddProblemDetails(options => options.CustomizeProblemDetails = ProblemHandler.AddDetail);
    services.AddExceptionHandler<ProblemHandler>();
    Access.Add(services);
    GenerationLimit.Add(services);

    services.AddSingleton<ServerMetrics>();
    services.AddSingleton<AdapterStore>();
    services.AddSingleton<ClassificationQueue>();
    services.AddHostedService(provider => provider.GetRequiredService<ClassificationQueue>());

    services.AddOpenApi(ApiDocument.Describe);
    services.AddHealthChecks().AddCheck<ReadyCheck>("ready");
    services.AddOpenTelemetry().WithMetrics(metrics => metrics
        .AddMeter(ServerMetrics.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime")
        .AddPrometheusExporter());
}

static void Map(WebApplication app)
{
    app.UseExceptionHandler();
    app.UseStatusCodePages();
    app.Use((context, next) =>
    {
        context.Response.Headers.ContentSecurityPolicy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return next();
    });
    app.UseFileServer();
    app.UseAuthentication();
    app.UseAuthorization();
    app.UseRateLimiter();

    ClassificationEndpoint.Map(app);
    GenerationEndpoint.Map(app);
    AdapterEndpoints.Map(app, app.Services.GetRequiredService<IOptions<Settings>>().Value);
    app.MapOpenApi();
    app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
    app.MapHealthChecks("/health/ready");
    app.MapPrometheusScrapingEndpoint();
}
