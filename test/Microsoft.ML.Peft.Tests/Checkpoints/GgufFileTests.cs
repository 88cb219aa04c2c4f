using System.Runtime.InteropServices;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

public sealed class GgufFileTests : IDisposable
{
    private static readonly string[] Layer = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down", "attn_norm", "ffn_norm"];

    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> ReadableTypes => [.. GgufType.All.Where(type => type.Dequantize is not null).Select(type => type.Name)];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [Trait("Category", "Parity")]
    [MemberData(nameof(ReadableTypes))]
    public void Every_type_is_dequantised_exactly_as_the_reference_does(string type)
    {
        using var scope = NewDisposeScope();
        using GgufFile file = OpenFixture("types.gguf");
        using SafetensorsFile expected = SafetensorsFile.Open(Fixture("types.expected.safetensors"));

        Assert.Equal(type, file.Info(type).Type.Name);
        Tensor values = file.Read(type, ScalarType.Float32);

        Assert.Equal([4, 512], values.shape);
        Assert.Equal(expected.Bytes(type), values.bytes);
        Assert.Equal(expected.Read(type).to(ScalarType.BFloat16).bytes, file.Read(type, ScalarType.BFloat16).bytes);
    }

    [Fact]
    [Trait("Category", "Parity")]
    public void Metadata_of_every_kind_are_read()
    {
        using GgufFile file = OpenFixture("types.gguf");

        Assert.Equal("llama", file.Text("general.architecture"));
        Assert.Equal(7, file.Integer("test.uint32"));
        Assert.Equal(-5, file.Integer("test.int64"));
        Assert.Equal(1.5, file.Number("test.float32"));
        Assert.Equal(7, file.Number("test.uint32"));
        Assert.True(file.Flag("test.bool"));
        Assert.Equal(new[] { 1, 2, 3 }, file.Metadata["test.int_array"]);
        Assert.Equal(new[] { "a", "é", "" }, file.Metadata["test.string_array"]);
    }

    [Fact]
    public void Missing_metadata_are_null_and_others_of_another_kind_refused()
    {
        using GgufFile file = OpenFixture("types.gguf");

        Assert.Null(file.Text("absent"));
        Assert.Null(file.Integer("absent"));
        Assert.Null(file.Number("absent"));
        Assert.Null(file.Flag("absent"));
        Assert.Contains("'test.bool', which is not a string", Assert.Throws<InvalidDataException>(() => file.Text("test.bool")).Message);
        Assert.Contains("a whole number", Assert.Throws<InvalidDataException>(() => file.Integer("test.float32")).Message);
        Assert.Contains("a whole number", Assert.Throws<InvalidDataException>(() => file.Number("general.name")).Message);
        Assert.Contains("true or false", Assert.Throws<InvalidDataException>(() => file.Flag("test.uint32")).Message);
    }

    [Theory]
    [Trait("Category", "Parity")]
    [InlineData("tiny-llama-f32.gguf", "F32")]
    [InlineData("tiny-llama-q8_0.gguf", "Q8_0")]
    public void A_language_model_is_listed(string name, string type)
    {
        using GgufFile file = OpenFixture(name);

        IEnumerable<string> layers = Enumerable.Range(0, 2).SelectMany(layer => Layer.Select(part => $"blk.{layer}.{part}.weight"));
        Assert.Equal(["token_embd.weight", .. layers, "output_norm.weight", "output.weight"], file.Tensors.Keys);
        Assert.Equal([384, 64], file.Info("token_embd.weight").Shape);
        Assert.Equal([16, 64], file.Info("blk.0.attn_k.weight").Shape);
        Assert.Equal([64, 96], file.Info("blk.1.ffn_down.weight").Shape);
        Assert.Equal([64], file.Info("output_norm.weight").Shape);
        Assert.Equal(type, file.Info("output.weight").Type.Name);
        Assert.Equal(8, file.Integer("llama.attention.head_count"));
        Assert.Equal(2, file.Integer("llama.attention.head_count_kv"));
        Assert.Equal(1e-5f, file.Number("llama.attention.layer_norm_rms_epsilon"));
        Assert.Equal(384, ((string[])file.Metadata["tokenizer.ggml.tokens"]).Length);
    }

    [Fact]
    [Trait("Category", "Parity")]
    public void The_same_weights_differ_by_little_more_than_half_a_step()
    {
        using var scope = NewDisposeScope();
        using GgufFile exact = OpenFixture("tiny-llama-f32.gguf"), quantised = OpenFixture("tiny-llama-q8_0.gguf");

        foreach (GgufTensorInfo info in quantised.Tensors.Values)
        {
            Tensor values = exact.Read(info.Name, ScalarType.Float32);
            // Half a step, and the rounding of the scale to 11 bits, which 127 steps share.
            double step = info.Type.Name == "Q8_0" ? values.abs().max().item<float>() / 127 : 0;
            TensorAssert.Close(values, quantised.Read(info.Name, ScalarType.Float32), step * 0.57);
        }
    }

    [Fact]
    public void Large_tensors_are_read_in_parts()
    {
        // Two parts and a half of Q8_0, whose every block has a scale of its own.
        const int Rows = 5, Columns = 1 << 15;
        using var stream = new MemoryStream();
        for (int block = 0; block < Rows * Columns / 32; block++)
        {
            stream.Write(BitConverter.GetBytes((Half)(block % 1000 / 8f)));
            stream.Write([.. Enumerable.Range(0, 32).Select(i => (byte)(i - 16))]);
        }

        using var scope = NewDisposeScope();
        using GgufFile file = Open(new GgufBytes { Tensors = { ("large", [Columns, Rows], 8, 0) }, Data = stream.ToArray() });
        Tensor expected = (arange(Rows * Columns / 32, ScalarType.Float32).remainder(1000) / 8).unsqueeze(1) * (arange(32, ScalarType.Float32) - 16);

        Assert.Equal(expected.bytes, file.Read("large", ScalarType.Float32).bytes);
        Assert.Equal(expected.to(ScalarType.BFloat16).bytes, file.Read("large", ScalarType.BFloat16).bytes);
    }

    [Fact]
    public void Rounding_to_bfloat16_takes_the_nearest_and_of_two_the_even_one()
    {
        float[] values =
        [
            1f, 1.00390625f, 1.01171875f, 1.0039063f, -1.00390625f, 0f, -0f, float.Epsilon, float.MaxValue, float.PositiveInfinity,
            float.NegativeInfinity, 3.14159274f, -65504.5f, 1e-40f,
        ];
        var rounded = new ushort[values.Length];

        GgufBlocks.Round(values, rounded);

        using Tensor expected = tensor(values).to(ScalarType.BFloat16);
        Assert.Equal(MemoryMarshal.Cast<byte, ushort>(expected.bytes).ToArray(), rounded);
    }

    [Theory]
    [InlineData(0x7F800001)]
    [InlineData(0x7FC00000)]
    [InlineData(0xFFFFFFFF)]
    public void No_number_stays_none(uint bits)
    {
        var rounded = new ushort[1];

        GgufBlocks.Round([BitConverter.UInt32BitsToSingle(bits)], rounded);

        Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle((uint)rounded[0] << 16)));
    }

    [Fact]
    public void Weights_of_the_wanted_type_are_not_copied_and_outlive_the_file_object()
    {
        GgufFile file = OpenFixture("types.gguf");
        using Tensor first = file.Read("F32", ScalarType.Float32), second = file.Read("F32", ScalarType.Float32);
        file.Dispose();

        first[0, 0] = 9f;

        Assert.Equal(9f, second[0, 0].item<float>());
        Assert.Throws<ObjectDisposedException>(() => file.Read("F32", ScalarType.Float32));
        Assert.Throws<ObjectDisposedException>(() => file.Read("Q4_0", ScalarType.Float32));
    }

    [Fact]
    public void Types_that_cannot_be_read_are_listed_but_not_read()
    {
        using GgufFile file = Open(new GgufBytes { Tensors = { ("weird", [256], 10, 0) }, Data = new byte[84] });

        Assert.Equal("Q2_K", file.Info("weird").Type.Name);
        string message = Assert.Throws<NotSupportedException>(() => file.Read("weird", ScalarType.Float32)).Message;
        Assert.Contains("'weird'", message);
        Assert.Contains("stored as Q2_K", message);
        Assert.Contains("F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K", message);
        Assert.Contains(file.Path, message);
    }

    [Fact]
    public void Only_floating_point_types_are_asked_for()
    {
        using GgufFile file = OpenFixture("types.gguf");

        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read("F32", ScalarType.Int64));
    }

    [Fact]
    public void A_missing_tensor_is_named_with_its_nearest_names()
    {
        using GgufFile file = OpenFixture("tiny-llama-f32.gguf");

        string message = Assert.Throws<InvalidDataException>(() => file.Read("blk.2.attn_q.weight", ScalarType.Float32)).Message;
        Assert.Contains("'blk.2.attn_q.weight'; the nearest names are 'blk.0.attn_q.weight'", message);
    }

    [Fact]
    public void Scalars_and_tensors_without_elements_are_read()
    {
        using GgufFile file = Open(new GgufBytes { Tensors = { ("scalar", [], 0, 0), ("none", [0, 3], 0, 32) }, Data = [.. BitConverter.GetBytes(2.5f), .. new byte[28]] });
        using Tensor scalar = file.Read("scalar", ScalarType.BFloat16), none = file.Read("none", ScalarType.Float32);

        Assert.Empty(scalar.shape);
        Assert.Equal(2.5f, scalar.to(ScalarType.Float32).item<float>());
        Assert.Equal([3, 0], none.shape);
    }

    [Fact]
    public void A_missing_file_is_reported() =>
        Assert.Throws<FileNotFoundException>(() => GgufFile.Open(_directory.File("absent.gguf")));

    private static string Fixture(string name) => Path.Combine(Fixtures.Folder("gguf"), name);

    private static GgufFile OpenFixture(string name) => GgufFile.Open(Fixture(name));

    private GgufFile Open(GgufBytes content)
    {
        string path = _directory.File("file.gguf");
        File.WriteAllBytes(path, content.Build());
        return GgufFile.Open(path);
    }
}
