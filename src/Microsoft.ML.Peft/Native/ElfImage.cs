using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.Peft.Native;

/// <summary>A 64-bit little-endian ELF file in memory, as x64 and arm64 Linux use it.</summary>
internal static class ElfImage
{
    private const uint VersionNeedSection = 0x6ffffffe;
    private const ushort WeakFlag = 2;

    /// <summary>
    /// Marks every need for the symbol version <paramref name="version"/> as weak, so that the dynamic linker loads the
    /// file although the system's library is too old to define that version.
    /// </summary>
    /// <returns>The number of needs changed; 0 when there are none or <paramref name="elf"/> is not such a file.</returns>
    public static int WeakenVersionNeed(Span<byte> elf, string version)
    {
        if (!elf.StartsWith("\u007fELF\u0002\u0001"u8))
        {
            return 0;
        }

        ulong sections = ReadUInt64(elf, 40);
        ushort size = ReadUInt16(elf, 58);
        ushort count = ReadUInt16(elf, 60);
        int changed = 0;
        for (ulong i = 0; i < count; i++)
        {
            ulong section = sections + i * size;
            if (ReadUInt32(elf, section + 4) == VersionNeedSection)
            {
                ulong linked = sections + (ulong)ReadUInt32(elf, section + 40) * size;
                changed += WeakenSection(elf, needs: ReadUInt64(elf, section + 24), strings: ReadUInt64(elf, linked + 24), version);
            }
        }

        return changed;
    }

    private static int WeakenSection(Span<byte> elf, ulong needs, ulong strings, string version)
    {
        byte[] name = [.. Encoding.ASCII.GetBytes(version), 0];
        int changed = 0;
        // Every record names the distance to the next one, 0 for the last; so the offsets grow and the loops end.
        for (ulong need = needs, next = 1; next != 0 && Contains(elf, need, 16); need += next)
        {
            next = ReadUInt32(elf, need + 12);
            for (ulong entry = need + ReadUInt32(elf, need + 8), step = 1; step != 0 && Contains(elf, entry, 16); entry += step)
            {
                step = ReadUInt32(elf, entry + 12);
                ulong text = strings + ReadUInt32(elf, entry + 8);
                if (Contains(elf, text, name.Length) && elf.Slice((int)text, name.Length).SequenceEqual(name))
                {
                    Span<byte> flags = elf.Slice((int)entry + 4, 2);
                    BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | WeakFlag));
                    changed++;
                }
            }
        }

        return changed;
    }

    private static bool Contains(ReadOnlySpan<byte> elf, ulong offset, int length) =>
        length <= elf.Length && offset <= (ulong)(elf.Length - length);

    // What lies outside the file reads as 0, which every caller takes for "nothing here".
    private static ushort ReadUInt16(ReadOnlySpan<byte> elf, ulong offset) =>
        Contains(elf, offset, 2) ? BinaryPrimitives.ReadUInt16LittleEndian(elf[(int)offset..]) : (ushort)0;

    private static uint ReadUInt32(ReadOnlySpan<byte> elf, ulong offset) =>
        Contains(elf, offset, 4) ? BinaryPrimitives.ReadUInt32LittleEndian(elf[(int)offset..]) : 0;

    private static ulong ReadUInt64(ReadOnlySpan<byte> elf, ulong offset) =>
        Contains(elf, offset, 8) ? BinaryPrimitives.ReadUInt64LittleEndian(elf[(int)offset..]) : 0;
}
