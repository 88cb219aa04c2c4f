using System.Text;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

public sealed class SafetensorsWriterTests
{
    public static TheoryData<string> Files { get; } =
        [.. Directory.EnumerateFiles(Fixtures.Root, "*.safetensors", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Fixtures.Root, file))
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    [Trait("Category", "Parity")]
    public void A_file_written_by_Hugging_Face_is_written_again_byte_for_byte(string fixture)
    {
        string path = Path.Combine(Fixtures.Root, fixture);
        using var scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(path);
        using var written = new MemoryStream();

        SafetensorsWriter.Write(written, file.Tensors.Keys.ToDictionary(name => name, file.Read), file.Metadata.Count > 0 ? file.Metadata : null);

        Assert.Equal(File.ReadAllBytes(path), written.ToArray());
    }

    [Fact]
    public void Tensors_are_ordered_by_type_then_by_name()
    {
        using var scope = NewDisposeScope();
        string header = Header(
            ("z", ones(1, dtype: ScalarType.Float32)), ("a", ones(1, dtype: ScalarType.Bool)), ("B", ones(1, dtype: ScalarType.Float32)),
            ("h", ones(1, dtype: ScalarType.Float16)), ("b", ones(1, dtype: ScalarType.BFloat16)), ("i", ones(1, dtype: ScalarType.Int64)),
            ("d", ones(1, dtype: ScalarType.Float64)), ("a1", ones(1, dtype: ScalarType.Float32)));

        string[] order = ["\"i\"", "\"d\"", "\"B\"", "\"a1\"", "\"z\"", "\"b\"", "\"h\"", "\"a\""];
        Assert.Equal(order, order.OrderBy(name => header.IndexOf($"{name}:", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_header_is_padded_to_eight_bytes_and_metadata_come_first()
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, new Dictionary<string, Tensor>(), new Dictionary<string, string> { ["framework"] = "pt" });

        Assert.Equal(40 + 8, stream.Length);
        Assert.Equal("""{"__metadata__":{"framework":"pt"}}     """, Encoding.UTF8.GetString(stream.ToArray()[8..]));
    }

    [Fact]
    public void Names_are_escaped_as_JSON_demands_and_no_further()
    {
        using var scope = NewDisposeScope();

        string header = Header(("é\"\\\n\u0001\U0001F600", ones(1)));

        Assert.StartsWith("{\"é\\\"\\\\\\n\\u0001\U0001F600\":", header);
    }

    [Fact]
    public void Strided_tensors_and_trainable_ones_are_written_as_their_values()
    {
        using var scope = NewDisposeScope();
        using var directory = new TemporaryDirectory();
        Tensor transposed = arange(6, dtype: ScalarType.Float32).reshape(2, 3).t();
        Tensor expanded = ones(1, 4).expand(3, 4);
        Tensor trainable = ones(2, 2, requires_grad: true) * 2;
        string path = directory.File("file.safetensors");

        SafetensorsWriter.Write(path, new Dictionary<string, Tensor>
        {
            ["transposed"] = transposed,
            ["expanded"] = expanded,
            ["trainable"] = trainable,
            ["empty"] = empty(0, 3),
            ["scalar"] = tensor(4f),
        });

        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.True(file.Read("transposed").Equals(transposed));
        Assert.True(file.Read("expanded").Equals(expanded));
        Assert.True(file.Read("trainable").Equals(trainable.detach()));
        Assert.Equal([0, 3], file.Read("empty").shape);
        Assert.Equal(4f, file.Read("scalar").item<float>());
        Assert.False(file.Read("trainable").requires_grad);
    }

    [Fact]
    public void A_tensor_longer_than_one_part_is_written_whole()
    {
        using var scope = NewDisposeScope();
        using var directory = new TemporaryDirectory();
        Tensor values = arange((1 << 20) + 3).to(ScalarType.Int32);
        string path = directory.File("file.safetensors");

        SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["values"] = values });

        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.True(file.Read("values").Equals(values));
    }

    [Fact]
    public void A_type_outside_the_format_is_refused()
    {
        using Tensor complex = zeros(1, dtype: ScalarType.ComplexFloat32);

        string message = Assert.Throws<ArgumentException>(
            () => SafetensorsWriter.Write(Stream.Null, new Dictionary<string, Tensor> { ["odd"] = complex })).Message;

        Assert.Contains("'odd'", message);
    }

    private static string Header(params (string Name, Tensor Tensor)[] tensors)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, tensors.ToDictionary(pair => pair.Name, pair => pair.Tensor));
        byte[] content = stream.ToArray();
        return Encoding.UTF8.GetString(content, 8, (int)BitConverter.ToUInt64(content));
    }
}
