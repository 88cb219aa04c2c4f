using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>
/// Dequantises ggml's blocks. Each comes down to 16 small integers ("codes") at a time, multiplied by a scale and shifted by
/// an offset, in the order of ggml's own operations, so that the values are equal to the last bit.
/// </summary>
internal static class GgufBlocks
{
    // The loops are optimised at once (AggressiveOptimization): a model is read once, before tiered compilation could help.

    // The identity of addition: 0 would turn -0 into 0.
    private const float NoOffset = -0f;
    private const int ScalesLength = 12;

    // .NET converts a 16-bit float in some twenty instructions, about as many as the 32 values of a block that it scales.
    private static readonly float[] Halves = [.. Enumerable.Range(0, 1 << 16).Select(bits => (float)BitConverter.UInt16BitsToHalf((ushort)bits))];

    private static Vector128<byte> LowBits => Vector128.Create((byte)0x0F);

    private static Vector128<byte> FifthBit => Vector128.Create((byte)0x10);

    private static Vector128<byte> TwoBits => Vector128.Create((byte)0x03);

    public static void F32(ReadOnlySpan<byte> blocks, Span<float> values) => MemoryMarshal.Cast<byte, float>(blocks).CopyTo(values);

    public static void F16(ReadOnlySpan<byte> blocks, Span<float> values) =>
        TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(blocks), values);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void BF16(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        ReadOnlySpan<ushort> bits = MemoryMarshal.Cast<byte, ushort>(blocks);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = BitConverter.UInt32BitsToSingle((uint)bits[i] << 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_0(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; !blocks.IsEmpty; blocks = blocks[18..], values = values[32..])
        {
            float scale = ReadHalf(blocks);
            var codes = Vector128.Create(blocks[2..18]);
            Write(Centre(codes & LowBits, 8), scale, NoOffset, values);
            Write(Centre(codes >>> 4, 8), scale, NoOffset, values[16..]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_1(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; !blocks.IsEmpty; blocks = blocks[20..], values = values[32..])
        {
            float scale = ReadHalf(blocks), offset = ReadHalf(blocks[2..]);
            var codes = Vector128.Create(blocks[4..20]);
            Write((codes & LowBits).AsSByte(), scale, offset, values);
            Write((codes >>> 4).AsSByte(), scale, offset, values[16..]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q5_0(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; !blocks.IsEmpty; blocks = blocks[22..], values = values[32..])
        {
            float scale = ReadHalf(blocks);
            var codes = Vector128.Create(blocks[6..22]);
            Write(Centre(codes & LowBits | FifthBits(blocks[2..]), 16), scale, NoOffset, values);
            Write(Centre(codes >>> 4 | FifthBits(blocks[4..]), 16), scale, NoOffset, values[16..]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q5_1(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; !blocks.IsEmpty; blocks = blocks[24..], values = values[32..])
        {
            float scale = ReadHalf(blocks), offset = ReadHalf(blocks[2..]);
            var codes = Vector128.Create(blocks[8..24]);
            Write((codes & LowBits | FifthBits(blocks[4..])).AsSByte(), scale, offset, values);
            Write((codes >>> 4 | FifthBits(blocks[6..])).AsSByte(), scale, offset, values[16..]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q8_0(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; !blocks.IsEmpty; blocks = blocks[34..], values = values[32..])
        {
            float scale = ReadHalf(blocks);
            Write(Vector128.Create(blocks[2..18]).AsSByte(), scale, NoOffset, values);
            Write(Vector128.Create(blocks[18..34]).AsSByte(), scale, NoOffset, values[16..]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_K(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; !blocks.IsEmpty; blocks = blocks[144..], values = values[256..])
        {
            for (int group = 0; group < 8; group++)
            {
                (float scale, float offset) = GroupScale(blocks, group);
                ReadOnlySpan<byte> codes = blocks.Slice(16 + group / 2 * 32, 32);
                Span<float> target = values.Slice(group * 32, 32);
                Write(Half(codes, group).AsSByte(), scale, offset, target);
                Write(Half(codes[16..], group).AsSByte(), scale, offset, target[16..]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q5_K(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; !blocks.IsEmpty; blocks = blocks[176..], values = values[256..])
        {
            for (int group = 0; group < 8; group++)
            {
                (float scale, float offset) = GroupScale(blocks, group);
                ReadOnlySpan<byte> fifthBits = blocks.Slice(16, 32), codes = blocks.Slice(48 + group / 2 * 32, 32);
                Span<float> target = values.Slice(group * 32, 32);
                for (int i = 0; i < 32; i += 16)
                {
                    Vector128<byte> fifth = (Vector128.Create(fifthBits.Slice(i, 16)) >>> group << 4) & FifthBit;
                    Write((Half(codes[i..], group) | fifth).AsSByte(), scale, offset, target[i..]);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q6_K(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; !blocks.IsEmpty; blocks = blocks[210..], values = values[256..])
        {
            ReadOnlySpan<byte> low = blocks[..128], high = blocks.Slice(128, 64), scales = blocks.Slice(192, 16);
            float scale = ReadHalf(blocks[208..]);
            for (int group = 0; group < 16; group++)
            {
                // 128 values have their low bits in 64 bytes, and their high ones in 32, of which each serves four quarters.
                int part = group / 8, quarter = group / 2 % 4, column = group % 2 * 16;
                var lowCodes = Vector128.Create(low.Slice(part * 64 + quarter % 2 * 32 + column, 16));
                var highCodes = Vector128.Create(high.Slice(part * 32 + column, 16));
                Vector128<byte> codes = (quarter < 2 ? lowCodes & LowBits : lowCodes >>> 4) | ((highCodes >>> (quarter * 2)) & TwoBits) << 4;
                Write(Centre(codes, 32), scale * (sbyte)scales[group], NoOffset, values[(group * 16)..]);
            }
        }
    }

    /// <summary>Rounds to the nearest bfloat16, to the even one of two, as libtorch does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(ReadOnlySpan<float> values, Span<ushort> target)
    {
        int i = 0;
        for (; i <= values.Length - Vector128<ushort>.Count; i += Vector128<ushort>.Count)
        {
            Vector128.Narrow(Round(Vector128.Create(values[i..])), Round(Vector128.Create(values[(i + 4)..]))).CopyTo(target[i..]);
        }

        for (; i < values.Length; i++)
        {
            target[i] = (ushort)Round(Vector128.Create(values[i])).ToScalar();
        }
    }

    private static Vector128<uint> Round(Vector128<float> values)
    {
        Vector128<uint> bits = values.AsUInt32();
        Vector128<uint> rounded = (bits + Vector128.Create(0x7FFFu) + (bits >>> 16 & Vector128<uint>.One)) >>> 16;
        return Vector128.ConditionalSelect(Vector128.IsNaN(values).AsUInt32(), Vector128.Create(0x7FC0u), rounded);
    }

    private static float ReadHalf(ReadOnlySpan<byte> bytes) => Halves[BinaryPrimitives.ReadUInt16LittleEndian(bytes)];

    /// <summary>The four lower or upper bits of 16 bytes, by whether the group is even or odd.</summary>
    private static Vector128<byte> Half(ReadOnlySpan<byte> codes, int group) =>
        int.IsEvenInteger(group) ? Vector128.Create(codes) & LowBits : Vector128.Create(codes) >>> 4;

    /// <summary>Each of 16 bits as the value 16 in a byte of its own.</summary>
    private static Vector128<byte> FifthBits(ReadOnlySpan<byte> bits)
    {
        var each = Vector128.Create(0x8040_2010_0804_0201ul).AsByte();
        var spread = Vector128.Create(Vector64.Create(bits[0]), Vector64.Create(bits[1]));
        return Vector128.Equals(spread & each, each) & FifthBit;
    }

    /// <summary>The scale and offset of a group of 32, whose six bits each are packed into the 12 bytes behind the block's own.</summary>
    private static (float Scale, float Offset) GroupScale(ReadOnlySpan<byte> block, int group)
    {
        ReadOnlySpan<byte> packed = block.Slice(4, ScalesLength);
        (int scale, int offset) = group < 4
            ? (packed[group] & 63, packed[group + 4] & 63)
            : (packed[group + 4] & 15 | packed[group - 4] >> 6 << 4, packed[group + 4] >> 4 | packed[group] >> 6 << 4);
        return (ReadHalf(block) * scale, -(ReadHalf(block[2..]) * offset));
    }

    private static Vector128<sbyte> Centre(Vector128<byte> codes, sbyte centre) => codes.AsSByte() - Vector128.Create(centre);

    // Every call for 16 values is otherwise as dear as the values.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(Vector128<sbyte> codes, float scale, float offset, Span<float> target)
    {
        ref float first = ref MemoryMarshal.GetReference(target[..Vector128<sbyte>.Count]);
        if (Vector256.IsHardwareAccelerated)
        {
            (Vector256<int> low, Vector256<int> high) = Vector256.Widen(Vector256.WidenLower(codes.ToVector256Unsafe()));
            (Vector256.ConvertToSingle(low) * scale + Vector256.Create(offset)).StoreUnsafe(ref first);
            (Vector256.ConvertToSingle(high) * scale + Vector256.Create(offset)).StoreUnsafe(ref first, 8);
            return;
        }

        (Vector128<short> lower, Vector128<short> upper) = Vector128.Widen(codes);
        Write(Vector128.WidenLower(lower), scale, offset, ref first, 0);
        Write(Vector128.WidenUpper(lower), scale, offset, ref first, 4);
        Write(Vector128.WidenLower(upper), scale, offset, ref first, 8);
        Write(Vector128.WidenUpper(upper), scale, offset, ref first, 12);
    }

    private static void Write(Vector128<int> codes, float scale, float offset, ref float first, nuint at) =>
        (Vector128.ConvertToSingle(codes) * scale + Vector128.Create(offset)).StoreUnsafe(ref first, at);
}
