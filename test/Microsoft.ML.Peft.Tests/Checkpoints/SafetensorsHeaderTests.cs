using System.Buffers.Binary;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

public sealed class SafetensorsHeaderTests
{
    private const string Valid =
        """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}""";

    private static readonly byte[] ValidFile = SafetensorsBytes.Build(Valid, 32);

    [Fact]
    public void A_valid_header_is_read()
    {
        SafetensorsHeader header = Read(ValidFile);

        Assert.Equal(["a", "b"], header.Tensors.Keys);
        Assert.Equal([2, 3], header.Tensors["a"].Shape);
        Assert.Equal(8 + Valid.Length + 24, header.Tensors["b"].Offset);
        Assert.Equal(8, header.Tensors["b"].Length);
    }

    [Fact]
    public void A_file_truncated_anywhere_is_refused()
    {
        for (int length = 0; length < ValidFile.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => Read(ValidFile[..length]));
        }
    }

    [Fact]
    public void Bytes_behind_the_last_tensor_are_refused() =>
        AssertRefused([.. ValidFile, 0], "its tensors end at byte");

    [Fact]
    public void Changed_bytes_lead_to_a_valid_file_or_a_clear_error()
    {
        using var directory = new TemporaryDirectory();
        var random = new Random(3);
        for (int i = 0; i < 5000; i++)
        {
            byte[] file = [.. ValidFile];
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                file[random.Next(8 + Valid.Length)] = (byte)random.Next(256);
            }

            AssertReadOrRefused(file, directory);
        }
    }

    [Fact]
    public void Changed_digits_lead_to_a_valid_file_or_a_clear_error()
    {
        using var directory = new TemporaryDirectory();
        string[] numbers = ["0", "1", "-1", "8", "24", "32", "1.5", "1e2", "9223372036854775807", "18446744073709551616", "4611686018427387904", "null", "[]", "\"F32\"", "{}"];
        string[] slots = ["[2,3]", "[0,24]", "[]", "[24,32]", "2,", "24,"];
        foreach (string slot in slots)
        {
            foreach (string first in numbers)
            {
                AssertReadOrRefused(SafetensorsBytes.Build(Valid.Replace(slot, first), 32), directory);
                foreach (string second in numbers)
                {
                    AssertReadOrRefused(SafetensorsBytes.Build(Valid.Replace(slot, $"[{first},{second}]"), 32), directory);
                }
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(" {}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{}x")]
    [InlineData("{\"a\":1}")]
    [InlineData("{\"\\ud800\":{}}")]
    [InlineData("{\"__metadata__\":{\"a\":1}}")]
    [InlineData("{\"__metadata__\":[]}")]
    [InlineData("{\"__metadata__\":{\"a\":\"\\ud800\"}}")]
    public void What_is_no_header_is_refused(string header) =>
        AssertRefused(SafetensorsBytes.Build(header, 0), "is not a valid safetensors file");

    [Fact]
    public void Invalid_UTF8_is_refused()
    {
        byte[] file = SafetensorsBytes.Build("{\"__metadata__\":{\"a\":\"?\"}}", 0);
        file[Array.IndexOf(file, (byte)'?')] = 0xff;

        AssertRefused(file, "UTF-8");
    }

    [Theory]
    [InlineData("""{"dtype":"F32","shape":[2]}""", "lacks")]
    [InlineData("""{"dtype":"F32","data_offsets":[0,8]}""", "lacks")]
    [InlineData("""{"shape":[2],"data_offsets":[0,8]}""", "lacks")]
    [InlineData("""{"dtype":"F33","shape":[2],"data_offsets":[0,8]}""", "unknown dtype \"F33\"")]
    [InlineData("""{"dtype":32,"shape":[2],"data_offsets":[0,8]}""", "unknown dtype 32")]
    [InlineData("""{"dtype":"F32","shape":2,"data_offsets":[0,8]}""", "shape")]
    [InlineData("""{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}""", "shape")]
    [InlineData("""{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}""", "shape")]
    [InlineData("""{"dtype":"F32","shape":[3],"data_offsets":[0,8]}""", "needs 12 bytes for F32 of shape [3], but its data_offsets span 8")]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":[8,0]}""", "data_offsets")]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}""", "data_offsets")]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}""", "data_offsets")]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":[4,12]}""", "leaves a hole")]
    [InlineData("""{"dtype":"F32","shape":[3],"data_offsets":[0,12]}""", "truncated")]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":[9223372036854775799,9223372036854775807]}""", "outside the file")]
    [InlineData("""{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}""", "64-bit")]
    [InlineData("""{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}""", "64-bit")]
    [InlineData("""{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}""", "64-bit")]
    [InlineData("""{"dtype":"F4","shape":[3],"data_offsets":[0,1]}""", "size in bytes")]
    [InlineData("""{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}""", "JSON")]
    public void A_lying_entry_is_refused(string entry, string fault) =>
        AssertRefused(SafetensorsBytes.Build($$"""{"liar":{{entry}}}""", 8), fault);

    [Fact]
    public void Overlapping_tensors_are_refused() => AssertRefused(
        SafetensorsBytes.Build("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}""", 6),
        "'b' overlaps");

    [Fact]
    public void Repeated_names_are_refused() => AssertRefused(
        SafetensorsBytes.Build("""{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", 0),
        "JSON");

    [Theory]
    [InlineData(100_000_001UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData((ulong)long.MaxValue)]
    public void An_enormous_header_is_refused_before_it_is_read(ulong length)
    {
        byte[] file = [.. ValidFile];
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);

        AssertRefused(file, "more than the 100000000 allowed");
    }

    private static void AssertReadOrRefused(byte[] content, TemporaryDirectory directory)
    {
        try
        {
            Read(content);
        }
        catch (InvalidDataException)
        {
            return;
        }

        string path = directory.File("file.safetensors");
        File.WriteAllBytes(path, content);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach (TensorInfo info in file.Tensors.Values.Where(info => info.Type is not null))
        {
            using var tensor = file.Read(info.Name);
            Assert.Equal(info.Shape, tensor.shape);
        }
    }

    private static void AssertRefused(byte[] content, string fault)
    {
        string message = Assert.Throws<InvalidDataException>(() => Read(content)).Message;
        Assert.Contains(fault, message);
        Assert.Contains("'some/file'", message);
    }

    private static SafetensorsHeader Read(byte[] content) => SafetensorsHeader.Read("some/file", new MemoryStream(content));
}
