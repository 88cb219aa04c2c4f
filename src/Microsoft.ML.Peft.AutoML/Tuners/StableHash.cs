using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>Hashes that are the same in every process and version, unlike <see cref="HashCode"/>: seeds and names derive from them.</summary>
internal static class StableHash
{
    /// <summary>A seed of its own for each purpose and number: no random state is carried from one draw to the next, so none is lost with a process.</summary>
    public static int Seed(int seed, string purpose, int number)
        => BinaryPrimitives.ReadInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{seed}/{purpose}/{number}")))) & int.MaxValue;

    /// <summary>The first eight hexadecimal digits of SHA-256.</summary>
    public static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 4));

    public static string Hex(string text) => Hex(Encoding.UTF8.GetBytes(text));
}
