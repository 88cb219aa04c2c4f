using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

public sealed class GgufHeaderTests
{
    private const uint F32 = 0, Q8_0 = 8;
    private const uint UInt32Value = 4, BoolValue = 7, StringValue = 8, ArrayValue = 9;

    private static readonly byte[] Types = File.ReadAllBytes(Path.Combine(Fixtures.Folder("gguf"), "types.gguf"));

    [Fact]
    public void Version_2_is_read() => Assert.Single(Read(new GgufBytes { Version = 2, Tensors = { ("a", [2], F32, 0) }, Data = new byte[8] }).Tensors);

    [Fact]
    public void Dimensions_are_reversed_and_offsets_made_absolute()
    {
        GgufHeader header = Read(new GgufBytes { Tensors = { ("a", [32, 2, 1], Q8_0, 0), ("b", [3], F32, 96) }, Data = new byte[108] });

        Assert.Equal([1, 2, 32], header.Tensors["a"].Shape);
        Assert.Equal(68, header.Tensors["a"].Length);
        Assert.Equal(96, header.Tensors["b"].Offset - header.Tensors["a"].Offset);
        Assert.Equal(0, header.Tensors["a"].Offset % 32);
    }

    [Fact]
    public void Another_alignment_is_respected()
    {
        var content = new GgufBytes { Values = { Alignment(128) }, Alignment = 128, Tensors = { ("a", [2], F32, 128) }, Data = new byte[136] };

        Assert.Equal(256, Read(content).Tensors["a"].Offset);
    }

    [Fact]
    public void Arrays_may_be_nested()
    {
        byte[] nested = GgufBytes.Array(ArrayValue, 2, [.. GgufBytes.Array(BoolValue, 2, 1, 0), .. GgufBytes.Array(StringValue, 1, GgufBytes.Text("x"))]);

        GgufHeader header = Read(new GgufBytes { Values = { ("nested", ArrayValue, nested) } });

        Assert.Equal(new object[] { new[] { true, false }, new[] { "x" } }, header.Metadata["nested"]);
    }

    [Theory]
    [InlineData(1u, "version 1")]
    [InlineData(4u, "version 4")]
    [InlineData(0x03000000u, "big-endian")]
    public void Other_versions_and_byte_orders_are_not_supported(uint version, string fault)
    {
        string message = Assert.Throws<NotSupportedException>(() => Read(new GgufBytes { Version = version })).Message;
        Assert.Contains(fault, message);
        Assert.Contains("'some/file'", message);
    }

    [Fact]
    public void Another_kind_of_file_is_refused() => AssertRefused(new GgufBytes { Magic = 1 }, "does not begin with 'GGUF'");

    [Theory]
    [InlineData(UInt32Value, new byte[] { 1 }, "truncated")]
    [InlineData(BoolValue, new byte[] { 2 }, "neither 0 nor 1")]
    [InlineData(13u, new byte[] { 0 }, "unknown value type 13")]
    [InlineData(StringValue, new byte[] { 255, 255, 255, 255, 255, 255, 255, 255 }, "declares 18446744073709551615 elements")]
    [InlineData(StringValue, new byte[] { 2, 0, 0, 0, 0, 0, 0, 0, 65 }, "declares 2 elements")]
    [InlineData(StringValue, new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 255 }, "not UTF-8")]
    public void A_lying_value_is_refused_by_its_key(uint type, byte[] value, string fault)
    {
        // Without the padding before the data, the value is the last of the file.
        var content = new GgufBytes { Values = { ("some.key", type, value) }, Alignment = 1 };

        AssertRefused(content, fault);
        AssertRefused(content, "'some.key'");
    }

    [Theory]
    [InlineData(UInt32Value, 2, new byte[] { 1, 2, 3, 4 }, "declares 2 elements of 4 bytes")]
    [InlineData(UInt32Value, ulong.MaxValue, new byte[] { }, "declares 18446744073709551615 elements")]
    [InlineData(StringValue, 1UL << 61, new byte[] { }, "elements of 8 bytes")]
    [InlineData(ArrayValue, 1UL << 40, new byte[] { }, "elements of 12 bytes")]
    [InlineData(BoolValue, 2, new byte[] { 1, 3 }, "neither 0 nor 1")]
    [InlineData(99u, 1, new byte[] { 1 }, "unknown value type 99")]
    public void A_lying_array_is_refused(uint type, ulong count, byte[] elements, string fault) =>
        AssertRefused(new GgufBytes { Values = { ("key", ArrayValue, GgufBytes.Array(type, count, elements)) }, Alignment = 1 }, fault);

    [Fact]
    public void Deeply_nested_arrays_are_refused()
    {
        byte[] value = [.. Enumerable.Repeat(GgufBytes.Array(ArrayValue, 1), 100_000).SelectMany(bytes => bytes)];

        AssertRefused(new GgufBytes { Values = { ("deep", ArrayValue, value) } }, "nested deeper than 4");
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(3u)]
    public void An_alignment_that_is_no_power_of_two_is_refused(uint alignment) =>
        AssertRefused(new GgufBytes { Values = { Alignment(alignment) } }, "'general.alignment' is not a power of two");

    [Fact]
    public void Repeated_keys_are_refused() =>
        AssertRefused(new GgufBytes { Values = { ("a", BoolValue, [1]), ("a", BoolValue, [1]) } }, "'a' is there twice");

    [Fact]
    public void Repeated_tensors_are_refused() =>
        AssertRefused(new GgufBytes { Tensors = { ("a", [1], F32, 0), ("a", [1], F32, 32) }, Data = new byte[64] }, "'a' is there twice");

    [Fact]
    public void Overlapping_tensors_are_refused() =>
        AssertRefused(new GgufBytes { Tensors = { ("b", [1], F32, 32), ("a", [9], F32, 0) }, Data = new byte[64] }, "'b' overlaps");

    [Theory]
    [InlineData(new ulong[] { 1, 1, 1, 1, 1 }, F32, 0, "5 dimensions")]
    [InlineData(new ulong[] { 33 }, Q8_0, 0, "do not fill blocks of 32")]
    [InlineData(new ulong[] { }, Q8_0, 0, "do not fill blocks of 32")]
    [InlineData(new ulong[] { ulong.MaxValue }, F32, 0, "64-bit")]
    [InlineData(new ulong[] { 1UL << 32, 1UL << 32 }, F32, 0, "64-bit")]
    [InlineData(new ulong[] { 0, 1UL << 62 }, F32, 0, "64-bit")]
    [InlineData(new ulong[] { 1UL << 60 }, 27u, 0, "64-bit")]
    [InlineData(new ulong[] { 65 }, F32, 0, "ends behind the end")]
    [InlineData(new ulong[] { 1UL << 60 }, F32, 0, "ends behind the end")]
    [InlineData(new ulong[] { 1 }, F32, 256, "ends behind the end")]
    [InlineData(new ulong[] { 1 }, F32, 16, "no multiple of the alignment")]
    [InlineData(new ulong[] { 1 }, F32, 0x7FFF_FFFF_FFFF_FFE0, "ends behind the end")]
    [InlineData(new ulong[] { 1 }, F32, ulong.MaxValue, "outside of the file")]
    public void A_lying_tensor_is_refused_by_its_name(ulong[] dimensions, uint type, ulong offset, string fault)
    {
        var content = new GgufBytes { Tensors = { ("liar", dimensions, type, offset) }, Data = new byte[256] };

        AssertRefused(content, fault);
        AssertRefused(content, "'liar'");
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(ulong.MaxValue, 0)]
    [InlineData(0, 2)]
    [InlineData(0, ulong.MaxValue)]
    public void Counts_beyond_the_file_are_refused(ulong tensors, ulong values) =>
        AssertRefused(new GgufBytes { TensorCount = tensors, ValueCount = values, Alignment = 1 }, "truncated");

    [Fact]
    public void A_file_truncated_anywhere_is_refused()
    {
        // Every length within the header, and a few within the data, behind which lies some padding.
        long dataEnd = Read(Types).Tensors.Values.Max(tensor => tensor.Offset + tensor.Length);
        foreach (int length in Enumerable.Range(0, 900).Concat([5000, 16000, 25000, (int)dataEnd - 1]))
            Assert.ThrowsAny<InvalidDataException>(() => Read(Types[..length]));
    }

    [Fact]
    public void A_damaged_header_is_read_or_refused()
    {
        var random = new Random(1);
        for (int round = 0; round < 3000; round++)
        {
            byte[] content = [.. Types];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
                content[random.Next(840)] ^= (byte)(1 << random.Next(8));
            AssertReadOrRefused(content);
        }
    }

    [Fact]
    public void Whatever_a_damaged_header_still_says_can_be_read()
    {
        using var directory = new TemporaryDirectory();
        var random = new Random(2);
        for (int round = 0; round < 150; round++)
        {
            byte[] content = [.. Types];
            content[random.Next(330, 840)] = (byte)random.Next(256);
            if (AssertReadOrRefused(content))
                ReadAll(directory.File("file.gguf"), content);
        }
    }

    [Theory]
    [InlineData(77u)]
    [InlineData(4u)]
    public void A_type_that_is_not_known_is_refused_with_those_that_are(uint type)
    {
        var content = new GgufBytes { Tensors = { ("newer", [1], type, 0) }, Data = new byte[256] };
        string message = Assert.Throws<NotSupportedException>(() => Read(content)).Message;
        Assert.Equal(
            $"'some/file' stores its tensor 'newer' in the unknown type {type}, which cannot be read; use a file of F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K.", message);
    }

    private static void ReadAll(string path, byte[] content)
    {
        File.WriteAllBytes(path, content);
        using GgufFile file = GgufFile.Open(path);
        foreach (GgufTensorInfo info in file.Tensors.Values.Where(info => info.Type.Dequantize is not null))
        {
            using var values = file.Read(info.Name, ScalarType.Float32);
            Assert.Equal(info.Shape, values.shape);
        }
    }

    private static bool AssertReadOrRefused(byte[] content)
    {
        try
        {
            Read(content);
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException)
        {
            return false;
        }
    }

    private static (string, uint, byte[]) Alignment(uint value) => ("general.alignment", UInt32Value, BitConverter.GetBytes(value));

    private static void AssertRefused(GgufBytes content, string fault)
    {
        string message = Assert.Throws<InvalidDataException>(() => Read(content)).Message;
        Assert.Contains(fault, message);
        Assert.Contains("'some/file'", message);
    }

    private static GgufHeader Read(GgufBytes content) => Read(content.Build());

    private static GgufHeader Read(byte[] content) => GgufHeader.Read("some/file", new MemoryStream(content));
}
