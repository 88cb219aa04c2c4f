using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;

namespace WebApi.Hosting;

/// <summary>Answers errors with problem details (RFC 9457) that say what to do.</summary>
internal sealed class ProblemHandler(ILogger<ProblemHandler> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }
        var (status, detail) = Describe(exception);
        if (status == StatusCodes.Status500InternalServerError)
            logger.LogError(exception, "{Method} {Path} failed.", context.Request.Method, context.Request.Path);
        if ((exception as RequestException)?.RetryAfter is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        await TypedResults.Problem(detail, statusCode: status).ExecuteAsync(context);
        return true;
    }

    /// <summary>Says what to do where only the status is known.</summary>
    public static void AddDetail(ProblemDetailsContext context) => context.ProblemDetails.Detail ??= DetailOf(context.ProblemDetails.Status);

    private static (int Status, string? Detail) Describe(Exception exception) => exception switch
    {
        RequestException e => (e.Status, e.Message),
        BadHttpRequestException { InnerException: JsonException json } => (StatusCodes.Status400BadRequest, $"The body is not what is asked for: {json.Message}"),
        BadHttpRequestException e => (e.StatusCode, DetailOf(e.StatusCode) ?? e.Message),
        _ => (StatusCodes.Status500InternalServerError, "The server failed; its log says why."),
    };

    private static string? DetailOf(int? status) => status switch
    {
        StatusCodes.Status404NotFound => "There is nothing at this address; /openapi/v1.json says what there is.",
        StatusCodes.Status405MethodNotAllowed => "This address takes other methods; /openapi/v1.json says which.",
        StatusCodes.Status413PayloadTooLarge => "The request is too large; send less at a time.",
        StatusCodes.Status415UnsupportedMediaType => "The body is of another media type; send JSON with Content-Type: application/json, and adapters as application/zip or multipart/form-data.",
        _ => null,
    };
}
