using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>How T5's files are read.</summary>
public sealed class T5Tests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Tensor _hidden = randn(4, 32, generator: new Generator(9));

    [Fact]
    public void The_configuration_is_that_of_the_file()
    {
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-t5-v11"), Precision.Float32);
        var shape = Assert.IsType<EncoderDecoderConfiguration>(model.Configuration);
        Assert.Equal(("t5", 402, 32, 32, 48), (shape.ModelType, shape.VocabularySize, shape.HiddenSize, shape.EmbeddingSize, shape.IntermediateSize));
        Assert.Equal((2, 2, 4, 4, 8), (shape.EncoderLayers, shape.Layers, shape.Heads, shape.KeyValueHeads, shape.HeadSize));
        Assert.Equal((true, Activation.GeluTanh, 8, 20, 0, 0), (shape.GatedMlp, shape.Activation, shape.RelativeBuckets, shape.RelativeMaxDistance, shape.StartId, shape.PaddingId));
        Assert.Equal(int.MaxValue, shape.MaxPositions);
    }

    [Fact]
    public void Without_decoder_layers_the_decoder_has_as_many_as_the_encoder_and_without_a_start_token_padding_starts()
    {
        using var copy = new ModelCopy("tiny-t5").RemoveKey("num_decoder_layers").RemoveKey("decoder_start_token_id").Configure("pad_token_id", "2");
        using var model = copy.Load();
        var shape = (EncoderDecoderConfiguration)model.Configuration;
        Assert.Equal((2, 2), (shape.Layers, shape.StartId));
    }

    [Theory]
    [InlineData("relu", false, Activation.Relu)]
    [InlineData("gated-gelu", true, Activation.GeluTanh)]
    [InlineData("gated-silu", true, Activation.Silu)]
    [InlineData("gelu", false, Activation.Gelu)]
    public void The_feed_forward_is_named_in_one_word(string projection, bool gated, object activation)
    {
        using var copy = new ModelCopy(gated ? "tiny-t5-v11" : "tiny-t5").Configure("feed_forward_proj", $"\"{projection}\"").RemoveKey("dense_act_fn").RemoveKey("is_gated_act");
        using var model = copy.Load();
        var shape = (EncoderDecoderConfiguration)model.Configuration;
        Assert.Equal((gated, (Activation)activation), (shape.GatedMlp, shape.Activation));
    }

    /// <summary>What the file says of tying, what of scaling, whether it has an output layer; whether that one is used and outputs are scaled.</summary>
    [Theory]
    [InlineData("t5", null, null, false, true)]
    [InlineData("t5", "true", null, false, true)]
    [InlineData("t5", "false", null, false, false)]
    [InlineData("t5", "false", null, true, false)]
    [InlineData("t5", "true", null, true, true)]
    [InlineData("t5", "true", "false", true, false)]
    [InlineData("t5", "true", "false", false, false)]
    [InlineData("t5", "false", "true", true, true)]
    [InlineData("mt5", null, null, true, false)]
    [InlineData("mt5", "false", null, true, false)]
    [InlineData("mt5", "true", null, false, false)]
    [InlineData("mt5", "true", "true", false, true)]
    public void An_output_layer_in_the_file_is_used_else_the_embeddings_and_the_flags_decide_on_scaling_only(
        string type, string? tied, string? scaled, bool ownHead, bool scales)
    {
        using var head = randn(402, 32, generator: new Generator(2));
        using var copy = new ModelCopy("tiny-t5").Configure("model_type", $"\"{type}\"").RemoveKey("tie_word_embeddings").RemoveKey("scale_decoder_outputs").Rewrite(tensors =>
        {
            if (ownHead)
                tensors["lm_head.weight"] = head;
        });
        if (tied is not null)
            copy.Configure("tie_word_embeddings", tied);
        if (scaled is not null)
            copy.Configure("scale_decoder_outputs", scaled);
        using var model = copy.Load();
        var decoder = (EncoderDecoder)model.Frozen.Backbone;
        using var frozen = no_grad();
        var expected = _hidden.matmul((ownHead ? head : decoder.WordEmbeddings).t()) / (scales ? Math.Sqrt(32) : 1);
        TensorAssert.Close(expected, decoder.Logits(_hidden), 1e-5);
    }

    [Theory]
    [InlineData("decoder.embed_tokens.weight")]
    [InlineData("encoder.embed_tokens.weight")]
    public void The_embeddings_may_lie_under_the_name_of_one_side(string name)
    {
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-t5"), Precision.Float32);
        using var copy = new ModelCopy("tiny-t5").Rewrite(tensors =>
        {
            tensors[name] = tensors["shared.weight"];
            tensors.Remove("shared.weight");
        });
        using var other = copy.Load();
        TensorAssert.Equal(model.Frozen.Backbone.WordEmbeddings, other.Frozen.Backbone.WordEmbeddings);
    }

    [Theory]
    [InlineData("feed_forward_proj", "\"gated-snake\"", "asks for the activation 'snake'")]
    [InlineData("is_encoder_decoder", "false", "describes an encoder alone")]
    public void What_is_not_supported_is_named(string key, string value, string message)
    {
        using var copy = new ModelCopy("tiny-t5").RemoveKey("dense_act_fn").RemoveKey("is_gated_act").Configure(key, value);
        Assert.Contains(message, Assert.Throws<NotSupportedException>(() => copy.Load()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("decoder_start_token_id", "402", "decoder_start_token_id 402 or pad_token_id 0 is outside the vocabulary of 402")]
    [InlineData("relative_attention_num_buckets", "3", "'relative_attention_num_buckets' is 3, expected a whole number of at least 4")]
    [InlineData("relative_attention_max_distance", "4", "relative_attention_max_distance is 4, but half of the 8 buckets alone reach to 4")]
    [InlineData("d_kv", "9", "tensor 'encoder.block.0.layer.0.SelfAttention.q.weight' is [32, 32], but config.json asks for [36, 32]")]
    [InlineData("num_decoder_layers", "3", "decoder.block.2.layer.0.")]
    public void Files_that_contradict_themselves_are_refused(string key, string value, string message)
    {
        using var copy = new ModelCopy("tiny-t5").Configure(key, value);
        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => copy.Load()).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _scope.Dispose();
}
