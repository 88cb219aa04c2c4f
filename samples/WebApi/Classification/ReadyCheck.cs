using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace WebApi.Classification;

/// <summary>Whether requests are answered: not once the server is asked to stop.</summary>
internal sealed class ReadyCheck(ClassificationQueue queue, IHostApplicationLifetime lifetime) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken) => Task.FromResult(
        lifetime.ApplicationStopping.IsCancellationRequested ? HealthCheckResult.Unhealthy("The server is stopping.")
        : !queue.IsRunning ? HealthCheckResult.Unhealthy("Nothing is classified any more; start the server anew.")
        : HealthCheckResult.Healthy());
}
