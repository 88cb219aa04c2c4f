using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class SequenceHeadTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    [Fact]
    public void Mean_leaves_out_virtual_tokens() =>
        TensorAssert.Close(tensor(new float[] { 2, -2, 5, -5 }, [2, 2]), Pool(Pooling.Mean, [1, 2, 3], [4, 5, 6]), 1e-6);

    [Fact]
    public void Mean_is_of_each_rows_own_tokens_in_the_rows_order() =>
        TensorAssert.Close(tensor(new float[] { 5, -5, 1.5f, -1.5f, 7, -7 }, [3, 2]), Pool(Pooling.Mean, [4, 5, 6], [1, 2], [6, 7, 8]), 1e-6);

    [Fact]
    public void Cls_takes_the_first_token_of_the_text() =>
        TensorAssert.Equal(tensor(new float[] { 4, -4, 1, -1 }, [2, 2]), Pool(Pooling.Cls, [4, 5, 6], [1, 2]));

    [Fact]
    public void HuggingFace_takes_position_0_which_is_a_virtual_token() =>
        TensorAssert.Equal(tensor(new float[] { 100, -100, 100, -100 }, [2, 2]), Pool(Pooling.HuggingFace, [1, 2], [4, 5, 6]));

    [Fact]
    public void A_decoders_head_takes_each_rows_last_token() =>
        TensorAssert.Equal(tensor(new float[] { 6, -6, 2, -2 }, [2, 2]), SequenceHead.Pool(new GivenHidden([[4, 5, 6], [1, 2]]), Rows(3, 2), null, Pooling.HuggingFace, HeadLayout.Decoder));

    [Fact]
    public void Pooling_must_be_resolved() =>
        Assert.Throws<ArgumentOutOfRangeException>("Pooling", () => Pool(Pooling.Auto, [1, 2]));

    [Theory]
    [InlineData(Pooling.Mean)]
    [InlineData(Pooling.Cls)]
    [InlineData(Pooling.HuggingFace)]
    public void The_head_computes_in_32_bits(Pooling pooling)
    {
        var pooled = SequenceHead.Pool(new GivenHidden([[1, 2]]) { Number = ScalarType.BFloat16 }, Rows(2), null, pooling, HeadLayout.Linear);
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
        TensorAssert.Close(tensor(new float[] { 12, 16, 30, 15, 10, 30 }, [2, 3]), head.Forward(new GivenHidden([[1, 2, 3], [4, 5, 6]]), Rows(3, 3), null).detach(), 1e-5);
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

    private static Tensor Pool(Pooling pooling, params float[][] rows) =>
        SequenceHead.Pool(new GivenHidden(rows), Rows([.. rows.Select(row => row.Length)]), null, pooling, HeadLayout.Linear);

    private static TokenBatch Rows(params int[] lengths) => TokenBatch.Create([.. lengths.Select(length => new int[length])], CPU);
}
