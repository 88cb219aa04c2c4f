using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using WebApi.Hosting;

namespace WebApi.Adapters;

/// <summary>`/adapters`: which there are, adding and removing.</summary>
internal static class AdapterEndpoints
{
    /// <summary>An adapter.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Kind">What it does.</param>
    /// <param name="Labels">Its labels; none where it writes.</param>
    /// <param name="Method">How it was trained.</param>
    /// <param name="VirtualTokens">The number of its virtual tokens.</param>
    /// <param name="PromptTemplate">What it was trained to write on; null where it says nothing of that.</param>
    public sealed record AdapterInfo(string Name, AdapterKind Kind, IReadOnlyList<string> Labels, string Method, int? VirtualTokens, string? PromptTemplate);

    public enum AdapterKind
    {
        Classification,
        Generation,
    }

    public static void Map(IEndpointRouteBuilder app, Settings settings)
    {
        var adapters = app.MapGroup("/adapters").WithTags("Adapters");
        adapters.MapGet("", (AdapterStore store) => TypedResults.Ok(store.All.Select(Info))).WithName("ListAdapters").WithSummary("Lists the adapters.")
            .RequireAuthorization(Access.Use);
        adapters.MapPut("/{name}", PutAsync).WithName("PutAdapter").WithSummary("Adds an adapter, or replaces the one of that name.")
            .WithDescription("The body is a zip file with the adapter's files, or a form with them. The adapter is checked before it is used; texts that are on their way end with the one before.")
            .WithMetadata(new RequestSizeLimitAttribute(settings.MaxUploadBytes)).RequireAuthorization(Access.Change)
            .Accepts<IFormFileCollection>("application/zip", "multipart/form-data")
            .ProducesProblem(400).ProducesProblem(401).ProducesProblem(403).ProducesProblem(409).ProducesProblem(413).ProducesProblem(415);
        adapters.MapDelete("/{name}", RemoveAsync).WithName("RemoveAdapter").WithSummary("Removes an adapter.").RequireAuthorization(Access.Change)
            .ProducesProblem(401).ProducesProblem(403).ProducesProblem(404);
    }

    private static async Task<Results<Created<AdapterInfo>, Ok<AdapterInfo>>> PutAsync(
        string name, HttpRequest request, AdapterStore store, IOptions<Settings> settings, CancellationToken cancellationToken)
    {
        AdapterStore.CheckName(name);
        using var upload = await AdapterUpload.ReceiveAsync(request, settings.Value.MaxAdapterBytes, cancellationToken);
        var (adapter, isNew) = await store.PutAsync(name, upload.Directory, cancellationToken);
        return isNew ? TypedResults.Created($"/adapters/{name}", Info(adapter)) : TypedResults.Ok(Info(adapter));
    }

    private static async Task<NoContent> RemoveAsync(string name, AdapterStore store, CancellationToken cancellationToken)
    {
        await store.RemoveAsync(name, cancellationToken);
        return TypedResults.NoContent();
    }

    private static AdapterInfo Info(ServedAdapter adapter) => new(
        adapter.Name, adapter.Writes ? AdapterKind.Generation : AdapterKind.Classification, adapter.Labels, adapter.Description.PeftType, adapter.Description.VirtualTokens, adapter.Description.PromptTemplate);
}
