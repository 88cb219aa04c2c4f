using Microsoft.ML.Peft.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Soft prompts from the layout of files.</summary>
public sealed class PromptTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    [Fact]
    public void A_prefix_lists_each_layers_key_and_value_per_virtual_token()
    {
        var prompt = Prompt.FromPrefix(Numbered(3, 2 * 2 * 2 * 2), layers: 2, heads: 2);
        Assert.Equal((3, 4), (prompt.Length, prompt.KeysValues!.Count));
        Assert.Equal([2, 3, 2], prompt.KeysValues[3].shape);                        // layer 1's value
        Assert.Equal([12, 13, 28, 29, 44, 45], Values(prompt.KeysValues[3][0]));    // head 0
        Assert.Equal([14, 15, 30, 31, 46, 47], Values(prompt.KeysValues[3][1]));
    }

    [Theory]
    [InlineData(1, new[] { 0 })]
    [InlineData(2, new[] { 0, 0 })]
    [InlineData(3, new[] { 0, 2, 1 })]
    [InlineData(4, new[] { 0, 2, 0, 2 })]
    [InlineData(5, new[] { 0, 2, 4, 1, 3 })]
    public void The_layers_of_an_encoder_decoder_take_every_second_pair(int layers, int[] pairs)
    {
        var file = Numbered(1, 2 * layers);
        var prompt = Prompt.FromPrefix(file, layers, heads: 1, submodules: 2);
        Assert.Equal(pairs.SelectMany(pair => new float[] { 2 * pair, 2 * pair + 1 }), prompt.KeysValues!.SelectMany(Values));
    }

    [Fact]
    public void A_pair_that_no_layer_takes_gets_no_gradient_and_one_that_two_take_gets_both()
    {
        var file = Numbered(1, 4).requires_grad_();
        var prompt = Prompt.FromPrefix(file, layers: 2, heads: 1, submodules: 2);
        stack([.. prompt.KeysValues!], 0).sum().backward();
        Assert.Equal([2, 2, 0, 0], Values(file.grad!));
    }

    [Fact]
    public void An_encoder_decoder_reads_the_first_half_of_an_input_prompt()
    {
        var prompt = Prompt.FromEmbeddings(Numbered(6, 2), submodules: 2);
        Assert.Equal(3, prompt.Length);
        Assert.Equal([0, 1, 2, 3, 4, 5], Values(prompt.Embeddings!));
    }

    public void Dispose() => _scope.Dispose();

    private static Tensor Numbered(params long[] shape) => arange(shape[0] * shape[1], ScalarType.Float32).view(shape);

    private static float[] Values(Tensor tensor) => [.. tensor.detach().contiguous().data<float>()];
}
