namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>A file as the hub states it.</summary>
/// <param name="Id">The repository, with the commit as its revision.</param>
/// <param name="Name">Its path in the repository, with slashes.</param>
/// <param name="Hash">Of large files the SHA-256, of others the SHA-1 of their git blob; lower-case hexadecimal. Names the file in the cache.</param>
/// <param name="Size">In bytes.</param>
internal sealed record HubFile(HubId Id, string Name, string Hash, long Size)
{
    /// <summary>The commit that the file belongs to.</summary>
    public string Commit => Id.Revision;
}
