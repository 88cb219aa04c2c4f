using System.Security.Cryptography;
using System.Text;

namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>The hashes by which the hub names files: SHA-256 where git-lfs or xet store them, else git's own.</summary>
internal static class HubHash
{
    private const int Sha1Length = 40;
    private const int Sha256Length = 64;

    public static bool IsValid(string hash) => hash.Length is Sha1Length or Sha256Length && !hash.AsSpan().ContainsAnyExcept("0123456789abcdef");

    public static string Kind(string hash) => hash.Length == Sha1Length ? "SHA-1" : "SHA-256";

    /// <summary>Whether what lies on the disk is the file that a hash names. Git hashes a file behind its length; some mirrors state the SHA-1 of the file alone.</summary>
    public static async Task<bool> MatchesAsync(string path, string hash, CancellationToken cancellationToken)
    {
        await using var content = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
        if (hash.Length == Sha256Length)
            return await HashAsync(content, HashAlgorithmName.SHA256, [], cancellationToken) == hash;
        return await HashAsync(content, HashAlgorithmName.SHA1, Encoding.ASCII.GetBytes($"blob {content.Length}\0"), cancellationToken) == hash
            || await HashAsync(content, HashAlgorithmName.SHA1, [], cancellationToken) == hash;
    }

    private static async Task<string> HashAsync(FileStream content, HashAlgorithmName algorithm, byte[] before, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(algorithm);
        hash.AppendData(before);
        content.Position = 0;
        byte[] buffer = new byte[1 << 20];
        for (int count; (count = await content.ReadAsync(buffer, cancellationToken)) > 0;)
            hash.AppendData(buffer.AsSpan(0, count));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
