using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

public sealed class AdapterDirectoryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> Adapters => Fixtures.Adapters;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Adapters))]
    [Trait("Category", "Parity")]
    public void A_directory_saved_by_Hugging_Face_is_written_again_byte_for_byte(string adapter)
    {
        using var scope = NewDisposeScope();
        string source = Path.Combine(Fixtures.Root, adapter);

        (AdapterConfiguration configuration, Dictionary<string, Tensor> tensors) = AdapterDirectory.Read(source);
        string target = _directory.File("new/adapter");
        AdapterDirectory.Write(target, configuration, tensors);

        Assert.Equal([AdapterDirectory.ConfigurationName, AdapterDirectory.TensorsName], Directory.GetFiles(target).Select(Path.GetFileName).Order());
        Assert.All(Directory.GetFiles(target), file => Assert.Equal(File.ReadAllBytes(Path.Combine(source, Path.GetFileName(file))), File.ReadAllBytes(file)));
    }

    [Fact]
    public void The_tensors_belong_to_the_caller()
    {
        WritePrompt(PeftType.PromptTuning, [4, 8]);
        (_, Dictionary<string, Tensor> tensors) = AdapterDirectory.Read(_directory.Path);

        using Tensor prompt = tensors[AdapterDirectory.PromptEmbeddings];
        File.WriteAllBytes(_directory.File(AdapterDirectory.TensorsName), []);

        // Over a mapping of the file, which is empty now, this would crash.
        Assert.Equal(32f, prompt.sum().item<float>());
    }

    [Fact]
    public void An_adapter_replaces_the_one_before_it()
    {
        WritePrompt(PeftType.PromptTuning, [4, 8]);
        WritePrompt(PeftType.PTuning, [4, 8]);

        using var scope = NewDisposeScope();
        Assert.Equal(PeftType.PTuning, AdapterDirectory.Read(_directory.Path).Configuration.PeftType);
    }

    [Theory]
    [InlineData(nameof(PeftType.PromptTuning), 2, new long[] { 8, 8 })]
    [InlineData(nameof(PeftType.PTuning), null, new long[] { 4, 8 })]
    [InlineData(nameof(PeftType.PrefixTuning), 2, new long[] { 4, 48 })]
    [InlineData(nameof(PeftType.Cartridge), 1, new long[] { 4, 48 })]
    public void Fitting_shapes_are_read(string type, int? submodules, long[] shape)
    {
        WritePrompt(Enum.Parse<PeftType>(type), shape, submodules: submodules);

        using var scope = NewDisposeScope();
        Assert.Equal(shape, AdapterDirectory.Read(_directory.Path).Tensors[AdapterDirectory.PromptEmbeddings].shape);
    }

    [Theory]
    [InlineData(nameof(PeftType.PromptTuning), new long[] { 5, 8 }, "[5, 8]")]
    [InlineData(nameof(PeftType.PromptTuning), new long[] { 4, 9 }, "asks for [4, 8]")]
    [InlineData(nameof(PeftType.PTuning), new long[] { 32 }, "[32]")]
    [InlineData(nameof(PeftType.PTuning), new long[] { 4, 8, 1 }, "[4, 8, 1]")]
    [InlineData(nameof(PeftType.PrefixTuning), new long[] { 8, 48 }, "asks for [4, keys and values]")]
    [InlineData(nameof(PeftType.PrefixTuning), new long[] { 4, 47 }, "3 layers")]
    [InlineData(nameof(PeftType.Cartridge), new long[] { 4, 47 }, "3 layers")]
    [InlineData(nameof(PeftType.PrefixTuning), new long[] { 4, 0 }, "[4, 0]")]
    public void Shapes_that_contradict_the_configuration_are_refused(string type, long[] shape, string fault)
    {
        WritePrompt(Enum.Parse<PeftType>(type), shape);

        Assert.Contains(fault, Assert.Throws<InvalidDataException>(() => AdapterDirectory.Read(_directory.Path)).Message);
    }

    [Fact]
    public void A_prompt_of_integers_is_refused()
    {
        WritePrompt(PeftType.PromptTuning, [4, 8], ScalarType.Int64);

        Assert.Contains("I64", Assert.Throws<InvalidDataException>(() => AdapterDirectory.Read(_directory.Path)).Message);
    }

    [Fact]
    public void A_file_without_prompt_is_refused()
    {
        WritePrompt(PeftType.PromptTuning, [4, 8]);
        using Tensor other = ones(1);
        SafetensorsWriter.Write(_directory.File(AdapterDirectory.TensorsName), new Dictionary<string, Tensor> { ["prompt"] = other });

        Assert.Contains("no tensor 'prompt_embeddings'", Assert.Throws<InvalidDataException>(() => AdapterDirectory.Read(_directory.Path)).Message);
    }

    [Fact]
    public void A_pickle_is_refused_with_the_way_out()
    {
        WritePrompt(PeftType.PromptTuning, [4, 8]);
        File.Move(_directory.File(AdapterDirectory.TensorsName), _directory.File("adapter_model.bin"));

        string message = Assert.Throws<NotSupportedException>(() => AdapterDirectory.Read(_directory.Path)).Message;

        Assert.Contains("adapter_model.bin", message);
        Assert.Contains("safe_serialization", message);
    }

    [Theory]
    [InlineData(AdapterDirectory.ConfigurationName)]
    [InlineData(AdapterDirectory.TensorsName)]
    public void A_missing_file_is_named_with_what_is_expected(string name)
    {
        WritePrompt(PeftType.PromptTuning, [4, 8]);
        File.Delete(_directory.File(name));

        FileNotFoundException error = Assert.Throws<FileNotFoundException>(() => AdapterDirectory.Read(_directory.Path));

        Assert.Equal(_directory.File(name), error.FileName);
        Assert.Contains($"lacks '{name}'; a Hugging Face PEFT adapter has 'adapter_config.json' and 'adapter_model.safetensors'", error.Message);
    }

    [Fact]
    public void A_missing_directory_is_reported() =>
        Assert.Throws<DirectoryNotFoundException>(() => AdapterDirectory.Read(_directory.File("absent")));

    [Fact]
    public void A_directory_under_a_file_cannot_be_written()
    {
        File.WriteAllBytes(_directory.File("file"), [1]);

        Assert.ThrowsAny<IOException>(() => AdapterDirectory.Write(_directory.File("file/adapter"), new AdapterConfiguration(PeftType.PTuning), new Dictionary<string, Tensor>()));
    }

    private void WritePrompt(PeftType type, long[] shape, ScalarType elements = ScalarType.Float32, int? submodules = 1)
    {
        using Tensor prompt = ones(shape, elements);
        var configuration = new AdapterConfiguration(type) { NumVirtualTokens = 4, TokenDim = 8, NumLayers = 3, NumTransformerSubmodules = submodules };
        AdapterDirectory.Write(_directory.Path, configuration, new Dictionary<string, Tensor> { [AdapterDirectory.PromptEmbeddings] = prompt });
    }
}
