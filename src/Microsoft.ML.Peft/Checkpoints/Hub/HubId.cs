using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>A model or adapter on the Hugging Face hub: `owner/name`, `owner/name@revision`, or `owner/name@revision:file.gguf` for one GGUF file of a repository.</summary>
/// <param name="Repository">`owner/name`.</param>
/// <param name="Revision">A branch, a tag or a commit.</param>
/// <param name="File">The GGUF file; null for a directory in Hugging Face layout.</param>
internal sealed partial record HubId(string Repository, string Revision, string? File)
{
    public const string DefaultRevision = "main";
    public const string Forms = "owner/name, owner/name@revision or owner/name:file.gguf";

    private const int MostCharacters = 96;

    // What is given comes to lie in paths: every part is plain, so that none can leave the cache.
    private static readonly string[] NoRepositoryEndings = [".git", ".gguf", ".safetensors", ".zip"];

    public static HubId Parse(string id, string parameter)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id, parameter);
        return TryParse(id, out var parsed) ? parsed : throw new ArgumentException($"'{id}' names nothing on the Hugging Face hub; give {Forms}.", parameter);
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out HubId? id)
    {
        id = null;
        var match = Form().Match(text);
        if (!match.Success)
            return false;
        string repository = match.Groups["repository"].Value;
        string revision = match.Groups["revision"] is { Success: true, Value: var given } ? given : DefaultRevision;
        string? file = match.Groups["file"] is { Success: true, Value: var name } ? name : null;
        bool plain = repository.Split('/').All(part => part.Length <= MostCharacters) && !repository.Contains("--", StringComparison.Ordinal)
            && !repository.Contains("..", StringComparison.Ordinal) && !revision.Contains("..", StringComparison.Ordinal)
            && !NoRepositoryEndings.Any(ending => repository.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            && (file is null || file.Split('/').All(part => part is not ("." or "..")));
        if (plain)
            id = new HubId(repository, revision, file);
        return plain;
    }

    /// <summary>Whether a revision is a whole commit hash, which always means the same files.</summary>
    public static bool IsCommit(string revision) => revision.Length == 40 && !revision.AsSpan().ContainsAnyExcept("0123456789abcdef");

    public override string ToString() => Repository + (Revision == DefaultRevision ? "" : $"@{Revision}") + (File is null ? "" : $":{File}");

    [GeneratedRegex("""
        \A(?<repository>[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?/[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?)
        (@(?<revision>[A-Za-z0-9_][A-Za-z0-9_.+=-]*(/[A-Za-z0-9_][A-Za-z0-9_.+=-]*)*))?
        (:(?<file>([^/\\:*?"<>|\x00-\x1f]+/)*[^/\\:*?"<>|\x00-\x1f]+\.gguf))?\z
        """, RegexOptions.ExplicitCapture | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Form();
}
