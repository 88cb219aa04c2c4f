using System.Security.Cryptography;
using System.Text;

namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>The hashes by which the hub names files: SHA-256 where git-lfs or xet store them, else git's own.</summary>
internal static class HubHash
{
    private const int GitLength = 40;
    private const int LargeFileLength = 64;

    public static bool IsValid(string hash) => hash.Length is GitLength or LargeFileLength && !hash.AsSpan().ContainsAnyExcept("0123456789abcdef");

    public static string Kind(string hash) => hash.Length == GitLength ? "SHA-1" : "SHA-256";

    /// <summary>Whether what lies on the disk is the file that a hash names.</summary>
    public static async Task<bool> MatchesAsync(string path, string hash, CancellationToken cancellationToken)
    {
        await using var content = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
        using var hasher = IncrementalHash.CreateHash(hash.Length == GitLength ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256);
        if (hash.Length == GitLength)
            hasher.AppendData(Encoding.ASCII.GetBytes($"blob {content.Length}\0"));
        byte[] buffer = new byte[1 << 20];
        for (int count; (count = await content.ReadAsync(buffer, cancellationToken)) > 0;)
            hasher.AppendData(buffer.AsSpan(0, count));
        return Convert.ToHexStringLower(hasher.GetHashAndReset()) == hash;
    }
}
