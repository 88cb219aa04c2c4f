using System.ComponentModel;
using System.Diagnostics;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Microsoft.ML.Peft;
using Microsoft.OpenApi;
using WebApi.Adapters;
using WebApi.Hosting;

namespace WebApi.Generation;

/// <summary>`POST /generate`</summary>
internal static class GenerationEndpoint
{
    public sealed record GenerationRequest(
        [property: Description("What is said to the model, or what its adapter was trained to write on.")] string Text,
        [property: Description("The name of an adapter that writes; without one the language model answers alone.")] string? Adapter = null,
        [property: Description("The most tokens that are written. This and the following are the adapter's own where they are left out, or else 64, 0, 1 and 0.")] int? MaxTokens = null,
        [property: Description("0 takes the likeliest token, more draws; at most 2.")] float? Temperature = null,
        [property: Description("Only the likeliest tokens that together have this probability are drawn.")] float? TopP = null,
        [property: Description("The seed of what is drawn.")] long? Seed = null,
        [property: Description("Whether the answer comes piece by piece, as server-sent events, or as a whole.")] bool Stream = true);

    /// <summary>A text as a whole.</summary>
    public sealed record GenerationResponse(string Text, FinishReason FinishReason, long PromptTokens, long Tokens);

    public enum FinishReason
    {
        [Description("The model ended the text.")]
        Stop,

        [Description("The text has as many tokens as it may.")]
        Length,
    }

    /// <summary>What an event holds: `text` in events of the type text, the rest in the last one, of the type end; `error` in one that ends what failed.</summary>
    public sealed record GenerationEvent
    {
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? Text { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public FinishReason? FinishReason { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public long? PromptTokens { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public long? Tokens { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? Error { get; init; }
    }

    public static void Map(IEndpointRouteBuilder app) => app.MapPost("/generate", GenerateAsync).WithName("Generate").WithTags("Generation")
        .WithSummary("Writes on a text, as a stream of server-sent events or as a whole.")
        .WithDescription("Events of the type text hold pieces of the text, the last event, of the type end, says why it ended. Texts of several clients are written together. Who closes the connection ends his text.")
        .RequireAuthorization(Access.Use).RequireRateLimiting(GenerationLimit.Policy)
        .ProducesProblem(400).ProducesProblem(401).ProducesProblem(404).ProducesProblem(413).ProducesProblem(415).ProducesProblem(429)
        // The framework describes one media type for each status.
        .AddOpenApiOperationTransformer(async (operation, context, cancellationToken) => operation.Responses!["200"].Content!["application/json"] =
            new OpenApiMediaType { Schema = await context.GetOrCreateSchemaAsync(typeof(GenerationResponse), cancellationToken: cancellationToken) });

    private static async Task<Results<Ok<GenerationResponse>, ServerSentEventsResult<GenerationEvent>>> GenerateAsync(
        GenerationRequest request, AdapterStore adapters, IOptions<Settings> settings, ServerMetrics metrics, ILogger<GenerationRequest> logger, CancellationToken cancellationToken)
    {
        Check(request, settings.Value);
        var updates = Updates(request, adapters.LanguageModel, settings.Value, metrics, cancellationToken).GetAsyncEnumerator(cancellationToken);
        bool any;
        try
        {
            // What is wrong with the request shows at the first piece, when the answer may still be another one.
            any = await updates.MoveNextAsync();
        }
        catch (Exception e)
        {
            await updates.DisposeAsync();
            throw e switch
            {
                KeyNotFoundException => AdapterStore.NotFound(request.Adapter!, adapters.LanguageModel.Adapters.Values),
                ArgumentException => new RequestException(StatusCodes.Status400BadRequest, e.Message),
                _ => System.Runtime.ExceptionServices.ExceptionDispatchInfo.SetCurrentStackTrace(e),
            };
        }
        if (request.Stream)
            return TypedResults.ServerSentEvents(Events(updates, any, logger, cancellationToken));
        var text = new StringBuilder();
        await using (updates)
        {
            for (; any; any = await updates.MoveNextAsync())
            {
                if (updates.Current is { Text: { } piece })
                    text.Append(piece);
                else if (updates.Current is { FinishReason: { } reason, PromptTokens: { } promptTokens, Tokens: { } tokens })
                    return TypedResults.Ok(new GenerationResponse(text.ToString(), reason, promptTokens, tokens));
            }
        }
        throw new InvalidOperationException("The text has no end.");
    }

    private static async IAsyncEnumerable<GenerationEvent> Updates(
        GenerationRequest request, ServedModel model, Settings settings, ServerMetrics metrics, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var own = request.Adapter is null ? null : model.Adapters.GetValueOrDefault(request.Adapter)?.Description.Generation;
        int maxTokens = request.MaxTokens ?? Math.Min((own ?? new GenerationOptions()).MaxNewTokens, settings.MaxNewTokens);
        var options = new ChatOptions { MaxOutputTokens = maxTokens, Temperature = request.Temperature, TopP = request.TopP, Seed = request.Seed };
        long start = Stopwatch.GetTimestamp();
        bool first = true;
        metrics.Writing(1);
        try
        {
            await foreach (var update in model.Chat(request.Adapter).GetStreamingResponseAsync(request.Text, options, cancellationToken))
            {
                if (first)
                    metrics.FirstPiece(Stopwatch.GetElapsedTime(start));
                first = false;
                if (update.FinishReason is not { } reason)
                {
                    yield return new GenerationEvent { Text = update.Text };
                    continue;
                }
                var usage = update.Contents.OfType<UsageContent>().Single().Details;
                metrics.Written(usage.OutputTokenCount!.Value);
                yield return new GenerationEvent
                {
                    FinishReason = reason == ChatFinishReason.Stop ? FinishReason.Stop : FinishReason.Length,
                    PromptTokens = usage.InputTokenCount,
                    Tokens = usage.OutputTokenCount,
                };
            }
        }
        finally
        {
            metrics.Writing(-1);
        }
    }

    private static async IAsyncEnumerable<SseItem<GenerationEvent>> Events(
        IAsyncEnumerator<GenerationEvent> updates, bool any, ILogger logger, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var disposed = updates;
        while (any)
        {
            yield return new SseItem<GenerationEvent>(updates.Current, updates.Current.Text is null ? "end" : "text");
            bool failed = false;
            try
            {
                any = await updates.MoveNextAsync();
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                logger.LogError(e, "Writing failed.");
                failed = true;
            }
            if (failed)
            {
                yield return new SseItem<GenerationEvent>(new GenerationEvent { Error = "The server failed; its log says why." }, "error");
                yield break;
            }
        }
    }

    private static void Check(GenerationRequest request, Settings settings)
    {
        TextLimits.Check(request.Text, settings);
        if (request.MaxTokens < 1 || request.MaxTokens > settings.MaxNewTokens)
            throw Bad($"maxTokens is {request.MaxTokens}; give 1 to {settings.MaxNewTokens}.");
        if (request.Temperature is not (null or (>= 0 and <= 2)))
            throw Bad(FormattableString.Invariant($"temperature is {request.Temperature}; give 0 to 2."));
        if (request.TopP is not (null or (> 0 and <= 1)))
            throw Bad(FormattableString.Invariant($"topP is {request.TopP}; give a number above 0, at most 1."));
    }

    private static RequestException Bad(string message) => new(StatusCodes.Status400BadRequest, message);
}
