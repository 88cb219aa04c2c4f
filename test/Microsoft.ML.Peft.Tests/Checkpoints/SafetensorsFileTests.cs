using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Int16)]
    [InlineData(ScalarType.Int8)]
    [InlineData(ScalarType.Byte)]
    [InlineData(ScalarType.Bool)]
    public void Every_type_is_read_as_it_was_written(ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor values = arange(24).reshape(2, 3, 4).to(type);
        using SafetensorsFile file = Write(("before", ones(3)), ("values", values), ("scalar", tensor(7).to(type)));

        Tensor read = file.Read("values");

        Assert.Equal(type, read.dtype);
        Assert.Equal([2, 3, 4], read.shape);
        Assert.True(read.Equals(values));
        Assert.Empty(file.Read("scalar").shape);
        Assert.Equal(values.bytes.ToArray(), file.Bytes("values").ToArray());
    }

    [Fact]
    public void Reading_copies_nothing()
    {
        using SafetensorsFile file = Write(("a", ones(4)), ("b", arange(5, dtype: ScalarType.Float32)));
        using Tensor first = file.Read("b"), second = file.Read("b");

        first[0] = 9f;

        // Two tensors over the same memory; the write stays in this process.
        Assert.Equal(9f, second[0].item<float>());
        using SafetensorsFile again = SafetensorsFile.Open(file.Path);
        using Tensor unchanged = again.Read("b");
        Assert.Equal(0f, unchanged[0].item<float>());
    }

    [Fact]
    public void A_tensor_outlives_its_file_object()
    {
        SafetensorsFile file = Write(("a", arange(6, dtype: ScalarType.Float32)));
        using Tensor tensor = file.Read("a");
        file.Dispose();

        Assert.Equal(15f, tensor.sum().item<float>());
        Assert.Throws<ObjectDisposedException>(() => file.Read("a"));
        Assert.Throws<ObjectDisposedException>(() => file.Bytes("a").Length);
    }

    [SkippableFact]
    public void The_mapping_ends_with_the_last_of_its_users()
    {
        Skip.IfNot(File.Exists("/proc/self/maps"), "The system does not list its mappings.");
        SafetensorsFile file = Write(("a", ones(6)), ("b", ones(6)));
        Tensor a = file.Read("a"), b = file.Read("b");

        file.Dispose();
        a.Dispose();
        Assert.Contains(file.Path, File.ReadAllText("/proc/self/maps"));
        b.Dispose();
        Assert.DoesNotContain(file.Path, File.ReadAllText("/proc/self/maps"));
    }

    [Fact]
    public void A_dispose_scope_does_not_take_the_mapping_with_it()
    {
        using SafetensorsFile file = Write(("a", ones(6)));
        using (NewDisposeScope())
        {
            file.Read("a");
        }

        using Tensor tensor = file.Read("a");
        Assert.Equal(6f, tensor.sum().item<float>());
    }

    [Fact]
    public void Many_threads_may_read_at_once()
    {
        using SafetensorsFile file = Write(("a", ones(6)), ("b", ones(6, dtype: ScalarType.Int64)));

        Parallel.For(0, 64, i =>
        {
            using Tensor tensor = file.Read(i % 2 == 0 ? "a" : "b"), sum = tensor.sum().to(ScalarType.Float32);
            Assert.Equal(6f, sum.item<float>());
        });
    }

    [Fact]
    public void Tensors_without_elements_are_read()
    {
        using SafetensorsFile file = Open("""{"a":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]},"b":{"dtype":"I64","shape":[0],"data_offsets":[0,0]}}""", 0);
        using Tensor a = file.Read("a"), b = file.Read("b");

        Assert.Equal([3, 0], a.shape);
        Assert.Equal([0], b.shape);
        Assert.True(file.Bytes("a").IsEmpty);
    }

    [Fact]
    public void A_file_without_tensors_is_valid() => Assert.Empty(Open("{}", 0).Tensors);

    [Fact]
    public void Misaligned_data_are_read_by_copying()
    {
        // One byte before the floats, as writers other than the reference one leave it.
        byte[] data = [5, .. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f)];
        using SafetensorsFile file = Open("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2,1],"data_offsets":[1,9]}}""", data);
        using Tensor tensor = file.Read("b");

        Assert.Equal([1.5f, -2f], tensor.data<float>().ToArray());
        Assert.Equal([2, 1], tensor.shape);
    }

    [Fact]
    public void Metadata_are_read()
    {
        using SafetensorsFile file = Open("""{"__metadata__":{"format":"pt","é":"\u00fc"}}""", 0);

        Assert.Equal(new Dictionary<string, string> { ["format"] = "pt", ["é"] = "ü" }, file.Metadata);
    }

    [Theory]
    [InlineData("F8_E4M3", 2)]
    [InlineData("F8_E5M2", 2)]
    [InlineData("F4", 1)]
    [InlineData("U16", 4)]
    [InlineData("U32", 8)]
    [InlineData("U64", 16)]
    public void Types_that_TorchSharp_lacks_are_listed_but_not_read(string type, int length)
    {
        using SafetensorsFile file = Open($$$"""{"weird":{"dtype":"{{{type}}}","shape":[2],"data_offsets":[0,{{{length}}}]}}""", length);

        Assert.Null(file.Info("weird").Type);
        Assert.Equal(length, file.Bytes("weird").Length);
        string message = Assert.Throws<NotSupportedException>(() => file.Read("weird")).Message;
        Assert.Contains("'weird'", message);
        Assert.Contains(type, message);
    }

    [Fact]
    public void A_missing_tensor_is_named_with_its_nearest_names()
    {
        using SafetensorsFile file = Write(("bert.embeddings.weight", ones(1)), ("bert.pooler.weight", ones(1)), ("cls.bias", ones(1)), ("x", ones(1)));

        string message = Assert.Throws<InvalidDataException>(() => file.Read("embeddings.weight")).Message;

        Assert.Contains("'embeddings.weight'; the nearest names are 'bert.embeddings.weight'", message);
        Assert.Contains(file.Path, message);
        Assert.DoesNotContain("'x'", message);
    }

    [Fact]
    public void Parts_of_the_bytes_are_bounded()
    {
        using SafetensorsFile file = Open("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}}""", 5);

        Assert.Equal([2, 3], file.Bytes("a", 1, 2).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Bytes("a", 3, 2).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Bytes("a", -1, 2).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Bytes("a", long.MaxValue, 2).Length);
    }

    [Fact]
    public void A_missing_file_is_reported() =>
        Assert.Throws<FileNotFoundException>(() => SafetensorsFile.Open(_directory.File("absent.safetensors")));

    [SkippableFact]
    public void Tensors_beyond_two_gigabytes_are_read()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "The file is sparse, which only some file systems are.");
        const long Rows = 3L << 20, Columns = 1024;
        string path = _directory.File("large.safetensors");
        byte[] header = SafetensorsBytes.Build($$$"""{"large":{"dtype":"U8","shape":[{{{Rows}}},{{{Columns}}}],"data_offsets":[0,{{{Rows * Columns}}}]},"last":{"dtype":"U8","shape":[2],"data_offsets":[{{{Rows * Columns}}},{{{Rows * Columns + 2}}}]}}""", 0);
        using (FileStream stream = File.Create(path))
        {
            stream.Write(header);
            stream.Position = header.Length + Rows * Columns;
            stream.Write([7, 8]);
        }

        using SafetensorsFile file = SafetensorsFile.Open(path);
        using Tensor large = file.Read("large"), last = file.Read("last");

        Assert.Equal([Rows, Columns], large.shape);
        Assert.Equal([7, 8], last.data<byte>().ToArray());
        Assert.Equal(0, large[Rows - 1, Columns - 1].item<byte>());
        Assert.Equal([7, 8], file.Bytes("last").ToArray());
        Assert.Equal([0, 0], file.Bytes("large", Rows * Columns - 2, 2).ToArray());
    }

    private SafetensorsFile Open(string header, int dataLength) => Open(SafetensorsBytes.Build(header, dataLength));

    private SafetensorsFile Open(string header, byte[] data) => Open(SafetensorsBytes.Build(header, data));

    private SafetensorsFile Open(byte[] content)
    {
        string path = _directory.File("file.safetensors");
        File.WriteAllBytes(path, content);
        return SafetensorsFile.Open(path);
    }

    private SafetensorsFile Write(params (string Name, Tensor Tensor)[] tensors)
    {
        string path = _directory.File("written.safetensors");
        SafetensorsWriter.Write(path, tensors.ToDictionary(pair => pair.Name, pair => pair.Tensor));
        return SafetensorsFile.Open(path);
    }
}
