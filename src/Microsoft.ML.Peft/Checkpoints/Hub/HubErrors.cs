using System.Net;

namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>What can go wrong between a hub and its cache, each in one sentence with what to do about it.</summary>
internal static class HubErrors
{
    private const int DiskFullWindows = unchecked((int)0x80070070);
    private const int DiskFullUnix = 28;

    public static Exception NoRepository(HubId id, HubOptions options) => new DirectoryNotFoundException(
        $"{options.Endpoint} shows no repository '{id.Repository}'; check the name and, if it is private, set HF_TOKEN to a token that may read it.");

    public static Exception NoRevision(HubId id, HubOptions options) => new DirectoryNotFoundException(
        $"The repository '{id.Repository}' on {options.Endpoint} has no revision '{id.Revision}'; give one of its branches, tags or commits.");

    public static Exception NoFile(HubId id, string name, HubOptions options, string advice) => new FileNotFoundException(
        $"The repository '{id.Repository}' on {options.Endpoint} has no '{name}' in revision '{id.Revision}'; {advice}.", name);

    public static Exception Pickle(HubId id, string name, string expected) => new NotSupportedException(
        $"The repository '{id.Repository}' holds '{name}', a Python pickle, which can run code and is never loaded, and no '{expected}'; " +
        "ask its owner for safetensors, or convert it in Python with model.save_pretrained(directory, safe_serialization=True) and give that directory.");

    public static Exception Gated(HubId id, HubOptions options) => new UnauthorizedAccessException(
        $"The repository '{id.Repository}' is gated; accept its terms on {options.Endpoint}/{id.Repository}, and set HF_TOKEN to a token of that account{Sent(options)}.");

    public static Exception Refused(HubId id, HttpStatusCode status, string? reason, HubOptions options) => new UnauthorizedAccessException(
        $"{options.Endpoint} refuses access to '{id.Repository}' ({Describe(status, reason)}); set HF_TOKEN to a valid token that may read it{Sent(options)}.");

    public static HubUnavailableException Busy(HubId id, HttpStatusCode status, string? reason, TimeSpan? retryAfter, HubOptions options) => new(
        $"{options.Endpoint} cannot serve '{id.Repository}' now ({Describe(status, reason)}" +
        $"{(retryAfter is { } wait ? $"; it asks to wait {Math.Ceiling(wait.TotalSeconds):F0} s" : "")}); try again later: what has arrived is kept, and the download goes on from there.",
        retryAfter: retryAfter);

    public static Exception Unexpected(HubId id, HttpStatusCode status, string? reason, HubOptions options) => new IOException(
        $"{options.Endpoint} gives no usable answer about '{id.Repository}' ({Describe(status, reason)}); check HF_ENDPOINT and the proxy.");

    public static Exception NoHub(HubId id, string lack, HubOptions options) => new InvalidDataException(
        $"{options.Endpoint} does not answer about '{id.Repository}' as a Hugging Face hub does ({lack}); check HF_ENDPOINT and the proxy.");

    public static HubUnavailableException Unreachable(HubId id, string reason, Exception? inner, HubOptions options) => new(
        $"{options.Endpoint} could not be reached for '{id.Repository}' ({reason}); check the network and the proxy, set HF_ENDPOINT to a mirror, or put the files into the cache '{options.CacheDirectory}'.",
        inner);

    public static HubUnavailableException Broken(HubFile file, string reason, Exception? inner = null) => new(
        $"The download of '{file.Name}' from '{file.Id.Repository}' broke off ({reason}); try again: what has arrived is kept, and the download goes on from there.", inner);

    public static Exception WrongSize(HubFile file, long size) => new InvalidDataException(
        $"The server sends '{file.Name}' of '{file.Id.Repository}' with {size} bytes, but the hub states {file.Size}; check HF_ENDPOINT and the proxy, and try again.");

    public static Exception WrongHash(HubFile file) => new InvalidDataException(
        $"'{file.Name}' of '{file.Id.Repository}' arrived with another {HubHash.Kind(file.Hash)} than the hub states ({file.Hash}) and was thrown away; check HF_ENDPOINT and the proxy, and try again.");

    public static Exception TooLarge(HubFile file, long limit) => new InvalidDataException(
        $"'{file.Name}' of '{file.Id.Repository}' has {file.Size} bytes, more than the {limit} that such a file may have; is it the right repository?");

    public static Exception Offline(HubId id, HubOptions options, string? missing, IReadOnlyList<string> commits)
    {
        string others = commits.Count == 0 ? "" : $" (cached are the commits {string.Join(", ", commits)})";
        string state = missing is null
            ? $"'{id}' is not in the Hugging Face cache '{options.CacheDirectory}'{others}"
            : $"The Hugging Face cache '{options.CacheDirectory}' holds '{id}' without '{missing}'";
        const string advice = "HF_HUB_OFFLINE forbids downloading it; load it once with that variable unset, or copy the cache from a machine that has it.";
        return missing is null ? new DirectoryNotFoundException($"{state}, and {advice}") : new FileNotFoundException($"{state}, and {advice}", missing);
    }

    public static Exception NoSpace(HubId id, long needed, long free, HubOptions options) => new IOException(
        $"'{id.Repository}' takes {needed} bytes, but the disk of the cache '{options.CacheDirectory}' has {free} left; make room, or set HF_HUB_CACHE to a folder on another disk.");

    /// <summary>Of the kind of <paramref name="inner"/>.</summary>
    public static Exception Unwritable(string path, Exception inner) => inner switch
    {
        { HResult: DiskFullWindows or DiskFullUnix } => new IOException(
            $"The disk is full: '{path}' could not be written; make room and try again (what has arrived is kept), or set HF_HUB_CACHE to a folder on another disk.", inner),
        UnauthorizedAccessException => new UnauthorizedAccessException(
            $"'{path}' in the Hugging Face cache could not be written ({inner.Message}); make it writable, or set HF_HUB_CACHE to another folder.", inner),
        _ => new IOException($"'{path}' in the Hugging Face cache could not be written ({inner.Message}); check the disk, or set HF_HUB_CACHE to another folder.", inner),
    };

    private static string Describe(HttpStatusCode status, string? reason) => $"{(int)status}{(string.IsNullOrWhiteSpace(reason) ? "" : $" {reason.Trim()}")}";

    private static string Sent(HubOptions options) => options.Token is null ? "" : " (the one that was sent may not)";
}
