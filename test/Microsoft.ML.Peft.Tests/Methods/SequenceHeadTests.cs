using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class SequenceHeadTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    /// <summary>Two rows, two virtual tokens (value 100 and 200) and three text tokens (1, 2, 3 and 4, 5, 6), of width 2.</summary>
    private readonly Tensor _hidden;

    public SequenceHeadTests() =>
        _hidden = tensor(new float[] { 100, 200, 1, 2, 3, 100, 200, 4, 5, 6 }, [2, 5, 1]).expand(2, 5, 2) * tensor(new float[] { 1, -1 });

    [Fact]
    public void Mean_leaves_out_virtual_tokens() =>
        TensorAssert.Close(tensor(new float[] { 2, -2, 5, -5 }, [2, 2]), Pool(Pooling.Mean, mask: null), 1e-6);

    [Fact]
    public void Mean_leaves_out_padding() =>
        TensorAssert.Close(tensor(new float[] { 1.5f, -1.5f, 5, -5 }, [2, 2]), Pool(Pooling.Mean, [1, 1, 0, 1, 1, 1]), 1e-6);

    [Fact]
    public void Cls_takes_the_first_token_of_the_text() =>
        TensorAssert.Equal(tensor(new float[] { 1, -1, 4, -4 }, [2, 2]), Pool(Pooling.Cls, [1, 1, 0, 1, 1, 1]));

    [Fact]
    public void Cls_steps_over_padding_on_the_left() =>
        TensorAssert.Equal(tensor(new float[] { 2, -2, 4, -4 }, [2, 2]), Pool(Pooling.Cls, [0, 1, 1, 1, 1, 0]));

    [Fact]
    public void HuggingFace_takes_position_0_which_is_a_virtual_token() =>
        TensorAssert.Equal(tensor(new float[] { 100, -100, 100, -100 }, [2, 2]), Pool(Pooling.HuggingFace, [1, 1, 0, 1, 1, 1]));

    [Fact]
    public void Pooling_must_be_resolved() =>
        Assert.Throws<ArgumentOutOfRangeException>("pooling", () => Pool(Pooling.Auto, null));

    [Theory]
    [InlineData(Pooling.Mean)]
    [InlineData(Pooling.Cls)]
    [InlineData(Pooling.HuggingFace)]
    public void The_head_computes_in_32_bits(Pooling pooling)
    {
        var pooled = SequenceHead.Pool(_hidden.to(ScalarType.BFloat16), Batch(null), pooling, HeadLayout.Linear);
        Assert.Equal(ScalarType.Float32, pooled.dtype);
    }

    [Fact]
    public void A_linear_head_is_one_linear_layer_on_the_pooled_vector()
    {
        using var head = new SequenceHead(Pooling.Mean, HeadLayout.Linear, new Dictionary<string, Tensor>
        {
            ["classifier.weight"] = tensor(new float[] { 1, 0, 0, 2, 1, 1 }, [3, 2]),
            ["classifier.bias"] = tensor(new float[] { 10, 20, 30 }),
        }, pooler: null);
        Assert.Equal(3, head.Outputs);
        TensorAssert.Close(tensor(new float[] { 12, 16, 30, 15, 10, 30 }, [2, 3]), head.Forward(_hidden, Batch(null)).detach(), 1e-5);
    }

    [Theory]
    [InlineData("tiny-bert", "classifier")]
    [InlineData("tiny-roberta", "classifier.dense classifier.out_proj")]
    [InlineData("tiny-distilbert", "pre_classifier classifier")]
    [InlineData("tiny-electra", "classifier.dense classifier.out_proj")]
    public void Each_family_starts_with_Hugging_Faces_layers_and_an_output_of_zero(string family, string layers)
    {
        using var model = PretrainedModel.Load(Fixtures.Model(family), Precision.Float32);
        using var initializer = new Initializer(0, CPU);
        int hidden = model.Configuration.HiddenSize;
        var values = SequenceHead.Initialize(model.Frozen.Head, hidden, 3, initializer);
        string[] names = layers.Split(' ');
        Assert.Equal(names.SelectMany(name => new[] { name + ".bias", name + ".weight" }).Order(StringComparer.Ordinal), values.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([3, hidden], values[names[^1] + ".weight"].shape);
        Assert.Equal(0, values[names[^1] + ".weight"].abs().max().item<float>());
        if (names.Length > 1)
            Assert.Equal([hidden, hidden], values[names[0] + ".weight"].shape);
    }

    [Fact]
    public void A_head_that_stands_on_a_pooler_needs_one() =>
        Assert.Throws<ArgumentNullException>("pooler", () => new SequenceHead(
            Pooling.HuggingFace, new HeadLayout("classifier", UsesPooler: true),
            new Dictionary<string, Tensor> { ["classifier.weight"] = zeros(1, 2), ["classifier.bias"] = zeros(1) }, pooler: null));

    public void Dispose() => _scope.Dispose();

    private Tensor Pool(Pooling pooling, long[]? mask) => SequenceHead.Pool(_hidden, Batch(mask), pooling, HeadLayout.Linear);

    private static TokenBatch Batch(long[]? mask) => new(zeros(2, 3, ScalarType.Int64), mask is null ? null : tensor(mask, [2, 3]), null);
}
