using System.Text.Json;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly DisposeScopeOwner _tensors = new();

    public void Dispose()
    {
        _tensors.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void A_single_file_is_opened()
    {
        using Checkpoint checkpoint = Checkpoint.Open(Path.Combine(Fixtures.Root, "models/tiny-bert"));

        Assert.NotEmpty(checkpoint.Names);
        Assert.All(checkpoint.Names, name =>
        {
            using Tensor tensor = checkpoint.Read(name);
            Assert.Equal(checkpoint.Info(name).Shape, tensor.shape);
        });
    }

    [Fact]
    public void Shards_are_read_as_one()
    {
        WriteShards();
        using Checkpoint checkpoint = Checkpoint.Open(_directory.Path);

        Assert.Equal(["a", "b", "c"], checkpoint.Names.Order());
        Assert.True(checkpoint.Contains("b"));
        Assert.False(checkpoint.Contains("d"));
        using Tensor c = checkpoint.Read("c");
        Assert.Equal(3f, c.sum().item<float>());
        Assert.Contains("'d'", Assert.Throws<InvalidDataException>(() => checkpoint.Read("d")).Message);
    }

    [Fact]
    public void The_fingerprint_does_not_depend_on_sharding()
    {
        WriteShards();
        using Checkpoint sharded = Checkpoint.Open(_directory.Path);
        using var other = new TemporaryDirectory();
        SafetensorsWriter.Write(other.File(Checkpoint.FileName), Tensors());
        using Checkpoint single = Checkpoint.Open(other.Path);

        Assert.Matches("^[0-9a-f]{64}$", single.Fingerprint());
        Assert.Equal(single.Fingerprint(), sharded.Fingerprint());
    }

    [Fact]
    public void Position_ids_do_not_change_the_fingerprint()
    {
        Dictionary<string, Tensor> tensors = Tensors();
        string before = Fingerprint(tensors);
        tensors.Add("embeddings.position_ids", _tensors.Keep(arange(16)));

        Assert.Equal(before, Fingerprint(tensors));
    }

    [Fact]
    public void Names_types_shapes_and_values_change_the_fingerprint()
    {
        string before = Fingerprint(Tensors());

        Assert.NotEqual(before, Fingerprint(Tensors(name: "A")));
        Assert.NotEqual(before, Fingerprint(Tensors(a => a.to(ScalarType.Int32))));
        Assert.NotEqual(before, Fingerprint(Tensors(a => a.view(1, -1))));
        Assert.NotEqual(before, Fingerprint(Tensors(a => a + 1)));
        Assert.NotEqual(before, Fingerprint(Tensors(a => a[..^1])));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2500)]
    [InlineData(4999)]
    public void The_fingerprint_samples_the_start_the_middle_and_the_end_of_long_tensors(long changed)
    {
        Dictionary<string, Tensor> tensors = new() { ["long"] = _tensors.Keep(zeros(5000)) };
        string before = Fingerprint(tensors);
        tensors["long"][changed] = 1f;

        Assert.NotEqual(before, Fingerprint(tensors));
    }

    [Theory]
    [InlineData("../other.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("sub/model.safetensors")]
    [InlineData("sub\\model.safetensors")]
    [InlineData("C:model.safetensors")]
    [InlineData("a\0b")]
    public void A_shard_outside_the_directory_is_refused(string shard)
    {
        WriteIndex(new() { ["a"] = shard });

        Assert.Contains("not a plain file name", Assert.Throws<InvalidDataException>(() => Checkpoint.Open(_directory.Path)).Message);
    }

    [Fact]
    public void A_missing_shard_is_named()
    {
        WriteIndex(new() { ["a"] = "model-00001-of-00002.safetensors" });

        FileNotFoundException error = Assert.Throws<FileNotFoundException>(() => Checkpoint.Open(_directory.Path));

        Assert.Contains("'model-00001-of-00002.safetensors', which is missing", error.Message);
        Assert.Equal(_directory.File("model-00001-of-00002.safetensors"), error.FileName);
    }

    [Fact]
    public void A_shard_that_lacks_a_tensor_is_refused()
    {
        WriteShards();
        WriteIndex(new() { ["a"] = "one.safetensors", ["c"] = "one.safetensors" });

        Assert.Contains("the tensor 'c' is in 'one.safetensors', but it is not", Assert.Throws<InvalidDataException>(() => Checkpoint.Open(_directory.Path)).Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"weight_map\":[]}")]
    [InlineData("{\"weight_map\":{\"a\":1}}")]
    [InlineData("{\"weight_map\":{\"a\":\"\\ud800\"}}")]
    [InlineData("{\"weight_map\":{\"a\":\"x\",\"a\":\"y\"}}")]
    public void A_damaged_index_is_refused(string index)
    {
        File.WriteAllText(_directory.File(Checkpoint.IndexName), index);

        Assert.Contains("not a valid index", Assert.Throws<InvalidDataException>(() => Checkpoint.Open(_directory.Path)).Message);
    }

    [Theory]
    [InlineData("pytorch_model.bin")]
    [InlineData("model.pt")]
    [InlineData("model.CKPT")]
    public void Pickles_are_refused_with_the_way_out(string name)
    {
        File.WriteAllBytes(_directory.File(name), [1]);

        string message = Assert.Throws<NotSupportedException>(() => Checkpoint.Open(_directory.Path)).Message;

        Assert.Contains(name, message);
        Assert.Contains("safe_serialization", message);
    }

    [Fact]
    public void A_directory_without_weights_is_reported()
    {
        string message = Assert.Throws<FileNotFoundException>(() => Checkpoint.Open(_directory.Path)).Message;

        Assert.Contains(_directory.Path, message);
        Assert.Contains("'model.safetensors'", message);
        Assert.Contains("'model.safetensors.index.json'", message);
    }

    [Fact]
    public void A_missing_directory_is_reported() =>
        Assert.Throws<DirectoryNotFoundException>(() => Checkpoint.Open(_directory.File("absent")));

    private Dictionary<string, Tensor> Tensors(Func<Tensor, Tensor>? change = null, string name = "a") => new()
    {
        [name] = _tensors.Keep((change ?? (a => a))(arange(6, dtype: ScalarType.Float32))),
        ["b"] = _tensors.Keep(arange(10_000)),
        ["c"] = _tensors.Keep(ones(3)),
    };

    private string Fingerprint(Dictionary<string, Tensor> tensors)
    {
        using var directory = new TemporaryDirectory();
        SafetensorsWriter.Write(directory.File(Checkpoint.FileName), tensors);
        using Checkpoint checkpoint = Checkpoint.Open(directory.Path);
        return checkpoint.Fingerprint();
    }

    private void WriteShards()
    {
        Dictionary<string, Tensor> tensors = Tensors();
        SafetensorsWriter.Write(_directory.File("one.safetensors"), new Dictionary<string, Tensor> { ["a"] = tensors["a"] });
        SafetensorsWriter.Write(_directory.File("two.safetensors"), new Dictionary<string, Tensor> { ["b"] = tensors["b"], ["c"] = tensors["c"] });
        WriteIndex(new() { ["a"] = "one.safetensors", ["b"] = "two.safetensors", ["c"] = "two.safetensors" });
    }

    private void WriteIndex(Dictionary<string, string> weightMap) =>
        File.WriteAllText(_directory.File(Checkpoint.IndexName), JsonSerializer.Serialize(new { metadata = new { total_size = 1 }, weight_map = weightMap }));

    private sealed class DisposeScopeOwner : IDisposable
    {
        private readonly List<Tensor> _kept = [];

        public Tensor Keep(Tensor tensor)
        {
            _kept.Add(tensor);
            return tensor;
        }

        public void Dispose() => _kept.ForEach(tensor => tensor.Dispose());
    }
}
