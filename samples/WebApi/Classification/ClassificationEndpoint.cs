using System.ComponentModel;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using WebApi.Hosting;

namespace WebApi.Classification;

/// <summary>`POST /classify`</summary>
internal static class ClassificationEndpoint
{
    public sealed record ClassificationRequest(
        [property: Description("The name of an adapter that classifies.")] string Adapter,
        [property: Description("A text; or several in texts.")] string? Text = null,
        [property: Description("Several texts, which are classified together.")] IReadOnlyList<string>? Texts = null);

    public sealed record ClassificationResponse(string Adapter, IReadOnlyList<Classification> Results);

    public sealed record Classification(
        [property: Description("The likeliest label.")] string Label, [property: Description("Its probability.")] float Probability,
        [property: Description("All labels, the likeliest first.")] IReadOnlyList<LabelProbability> Labels);

    public sealed record LabelProbability(string Label, float Probability);

    public static void Map(IEndpointRouteBuilder app) => app.MapPost("/classify", ClassifyAsync).WithName("Classify").WithTags("Classification")
        .WithSummary("Classifies one text or several.").WithDescription("The results stand in the order of the texts.")
        .RequireAuthorization(Access.Use).ProducesProblem(400).ProducesProblem(401).ProducesProblem(404).ProducesProblem(413).ProducesProblem(415).ProducesProblem(429);

    private static async Task<Ok<ClassificationResponse>> ClassifyAsync(
        ClassificationRequest request, ClassificationQueue queue, IOptions<Settings> settings, CancellationToken cancellationToken)
    {
        if (request.Text is null == request.Texts is null)
            throw new RequestException(StatusCodes.Status400BadRequest, "Give either text or texts.");
        IReadOnlyList<string> texts = request.Texts ?? [request.Text!];
        if (texts.Count == 0 || texts.Count > settings.Value.MaxTexts)
            throw new RequestException(StatusCodes.Status400BadRequest, $"There are {texts.Count} texts; give 1 to {settings.Value.MaxTexts}.");
        foreach (string text in texts)
            TextLimits.Check(text, settings.Value);
        var (adapter, probabilities) = await queue.ClassifyAsync(request.Adapter, texts, cancellationToken);
        return TypedResults.Ok(new ClassificationResponse(adapter.Name, [.. probabilities.Select(row => Result(adapter.Labels, row))]));
    }

    private static Classification Result(IReadOnlyList<string> labels, float[] probabilities)
    {
        LabelProbability[] all = [.. labels.Zip(probabilities, (label, probability) => new LabelProbability(label, probability)).OrderByDescending(label => label.Probability)];
        return new Classification(all[0].Label, all[0].Probability, all);
    }
}
