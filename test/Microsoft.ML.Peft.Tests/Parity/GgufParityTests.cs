using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Parity;

/// <summary>Models of single GGUF files against the logits that Hugging Face transformers computes from them.</summary>
[Trait("Category", "Parity")]
public sealed class GgufParityTests
{
    [Theory]
    [InlineData("tiny-llama-f32.gguf", "logits.f32")]
    [InlineData("tiny-llama-q8_0.gguf", "logits.q8_0")]
    public void A_file_gives_the_logits_of_the_reference(string name, string key)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var expected = ReferenceCase.ReadTensors(Path.Combine(Fixtures.Folder("gguf"), "tiny-llama.expected.safetensors"));
        using var model = PretrainedModel.Load(Path.Combine(Fixtures.Folder("gguf"), name), Precision.Float32);
        var decoder = (Decoder)model.Frozen.Backbone;
        var logits = decoder.Logits(Padded.Forward(decoder, expected["input_ids"]));
        ReferenceCase.AssertClose(key, expected[key], logits, 1e-4);
    }

    [Fact]
    public void The_file_and_the_directory_of_one_model_write_the_same()
    {
        using var file = PretrainedModel.Load(Path.Combine(Fixtures.Folder("gguf"), "tiny-llama-f32.gguf"), Precision.Float32);
        using var directory = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
        string adapter = Path.Combine(Fixtures.Default, "cases", "tiny-llama__prompt__CAUSAL_LM", "trained_adapter");
        using PeftModel one = PeftModel.Load(file, adapter), other = PeftModel.Load(directory, adapter);
        string[] texts = ["the whale", "Call me Ishmael"];
        Assert.Equal(other.Generate(texts), one.Generate(texts));
        Assert.Equal(directory.Encode(texts[1]).Ids, file.Encode(texts[1]).Ids);
    }
}
