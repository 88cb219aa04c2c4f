using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>
/// SentencePiece's <c>precompiled_charsmap</c>: the byte length of a double-array trie (a little-endian uint32), the trie,
/// whose keys are UTF-8 and whose values are offsets, and the replacements that these point to, each ended by a zero.
/// </summary>
internal sealed class PrecompiledCharsMap
{
    private readonly uint[] _units;
    private readonly byte[] _replacements;

    /// <exception cref="InvalidDataException">The bytes are not such a map.</exception>
    public PrecompiledCharsMap(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < sizeof(uint))
            throw new InvalidDataException("it is too short");
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (size < sizeof(uint) || size % sizeof(uint) != 0 || size > bytes.Length - sizeof(uint))
            throw new InvalidDataException($"its trie cannot have {size} bytes");
        bytes = bytes[sizeof(uint)..];
        _units = new uint[size / sizeof(uint)];
        for (int i = 0; i < _units.Length; i++)
            _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i * sizeof(uint))..]);
        _replacements = bytes[(int)size..].ToArray();
    }

    /// <summary>The replacement of the shortest key that the text starts with; null without one.</summary>
    public string? Find(ReadOnlySpan<char> text)
    {
        Span<byte> utf8 = stackalloc byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        utf8 = utf8[..Encoding.UTF8.GetBytes(text, utf8)];
        uint node = Offset(_units[0]);
        foreach (byte label in utf8)
        {
            node ^= label;
            if (label == 0 || node >= _units.Length || Label(_units[node]) != label)
                return null;
            bool isKey = IsKey(_units[node]);
            node ^= Offset(_units[node]);
            if (isKey && node < _units.Length)
                return ReplacementAt(_units[node] & 0x7FFFFFFF);
        }
        return null;
    }

    // The parts of a unit: bits 0-7 the label (with bit 31 as a mark of values), 8 a key ends here, 9 the offset is
    // shifted by a byte, 10-30 the offset to the children.
    private static uint Label(uint unit) => unit & 0x800000FF;

    private static bool IsKey(uint unit) => (unit >> 8 & 1) == 1;

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 0x200) >> 6);

    private string? ReplacementAt(uint offset)
    {
        if (offset > _replacements.Length)
            return null;
        ReadOnlySpan<byte> rest = _replacements.AsSpan((int)offset);
        int end = rest.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
    }
}
