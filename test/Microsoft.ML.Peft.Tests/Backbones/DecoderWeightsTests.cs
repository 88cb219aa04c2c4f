using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Layers that no reference model has, computed by hand on models of one layer whose attention gives a constant.</summary>
public sealed class DecoderWeightsTests : IDisposable
{
    private static readonly long[] Tokens = [5, 9, 20, 7, 33];

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Generator _random = new(3);

    [Fact]
    public void A_Llama_with_attention_biases_is_the_Qwen_2_with_the_same_weights()
    {
        using var copy = new ModelCopy("tiny-qwen2").Configure("model_type", "\"llama\"").Configure("attention_bias", "true").Rewrite(tensors =>
        {
            foreach (int layer in new[] { 0, 1 })
                tensors[$"model.layers.{layer}.self_attn.o_proj.bias"] = zeros(32);
        });
        using PretrainedModel llama = copy.Load(), qwen = PretrainedModel.Load(Fixtures.Model("tiny-qwen2"), Precision.Float32);
        TensorAssert.Close(Hidden(qwen), Hidden(llama), 1e-6);
    }

    [Fact]
    public void The_feed_forward_of_Llama_may_have_biases()
    {
        Dictionary<string, Tensor> weights = [];
        using var copy = new ModelCopy("tiny-llama").Configure("num_hidden_layers", "1").Configure("attention_bias", "true").Configure("mlp_bias", "true").Rewrite(tensors =>
        {
            foreach (string name in tensors.Keys.Where(name => name.Contains("layers.0.", StringComparison.Ordinal) && name.EndsWith("_proj.weight", StringComparison.Ordinal)).ToArray())
                tensors[name.Replace(".weight", ".bias", StringComparison.Ordinal)] = randn(tensors[name].size(0), generator: _random);
            tensors["model.layers.0.self_attn.o_proj.weight"] = zeros_like(tensors["model.layers.0.self_attn.o_proj.weight"]);
            weights = Keep(tensors);
        });
        using var model = copy.Load();

        const string Layer = "model.layers.0.";
        var x = weights["model.embed_tokens.weight"].index_select(0, tensor(Tokens)) + weights[Layer + "self_attn.o_proj.bias"];
        var normed = Rms(x, weights[Layer + "post_attention_layernorm.weight"]);
        var inner = nn.functional.silu(Linear(weights, Layer + "mlp.gate_proj", normed)) * Linear(weights, Layer + "mlp.up_proj", normed);
        var expected = Rms(x + Linear(weights, Layer + "mlp.down_proj", inner), weights["model.norm.weight"]);
        TensorAssert.Close(expected, Hidden(model), 1e-4);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void GPT_NeoX_computes_attention_and_feed_forward_side_by_side_or_one_after_the_other(bool parallel)
    {
        Dictionary<string, Tensor> weights = [];
        using var copy = new ModelCopy("tiny-gptneox").Configure("num_hidden_layers", "1").Configure("use_parallel_residual", parallel ? "true" : "false").Rewrite(tensors =>
        {
            tensors["gpt_neox.layers.0.attention.dense.weight"] = zeros_like(tensors["gpt_neox.layers.0.attention.dense.weight"]);
            tensors["gpt_neox.layers.0.attention.dense.bias"] = randn(32, generator: _random);
            weights = Keep(tensors);
        });
        using var model = copy.Load();

        const string Layer = "gpt_neox.layers.0.";
        Tensor input = weights["gpt_neox.embed_in.weight"].index_select(0, tensor(Tokens)), attended = weights[Layer + "attention.dense.bias"];
        var normed = Norm(weights, Layer + "post_attention_layernorm", parallel ? input : input + attended);
        var inner = nn.functional.gelu(Linear(weights, Layer + "mlp.dense_h_to_4h", normed));
        var expected = Norm(weights, "gpt_neox.final_layer_norm", input + attended + Linear(weights, Layer + "mlp.dense_4h_to_h", inner));
        TensorAssert.Close(expected, Hidden(model), 1e-4);
    }

    [Theory]
    [InlineData("tiny-llama", "attention_bias", "self_attn.q_proj.bias")]
    [InlineData("tiny-llama", "mlp_bias", "mlp.gate_proj.bias")]
    [InlineData("tiny-gemma2", "attention_bias", "self_attn.q_proj.bias")]
    public void A_bias_that_config_states_and_the_file_lacks_is_named(string model, string key, string tensor)
    {
        using var copy = new ModelCopy(model).Configure(key, "true");
        Assert.Contains($"has no tensor 'model.layers.0.{tensor}'", Assert.Throws<InvalidDataException>(() => copy.Load()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tiny-llama", "model.layers.1.mlp.down_proj.bias")]
    [InlineData("tiny-qwen2", "model.layers.1.self_attn.o_proj.bias")]
    [InlineData("tiny-phi3", "model.layers.0.self_attn.qkv_proj.bias")]
    public void A_bias_that_config_does_not_know_is_refused_instead_of_left_out(string model, string name)
    {
        using var copy = new ModelCopy(model).Rewrite(tensors => tensors[name] = zeros(1));
        string message = Assert.Throws<InvalidDataException>(() => copy.Load()).Message;
        Assert.Contains($"has the tensor '{name}', but config.json says that this layer has no bias", message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _scope.Dispose();
        _random.Dispose();
    }

    /// <summary>The weights as the file gets them, for longer than they are written.</summary>
    private static Dictionary<string, Tensor> Keep(Dictionary<string, Tensor> tensors) => tensors.ToDictionary(entry => entry.Key, entry => entry.Value.clone().MoveToOuterDisposeScope());

    private static Tensor Hidden(PretrainedModel model)
    {
        using var frozen = no_grad();
        return Padded.Forward(model.Frozen.Backbone, Tokens).squeeze(0);
    }

    private static Tensor Rms(Tensor x, Tensor weight) => x * rsqrt(x.square().mean([-1], keepdim: true) + 1e-5) * weight;

    private static Tensor Norm(Dictionary<string, Tensor> weights, string name, Tensor x) =>
        nn.functional.layer_norm(x, [32], weights[name + ".weight"], weights[name + ".bias"], 1e-5);

    private static Tensor Linear(Dictionary<string, Tensor> weights, string name, Tensor x) =>
        nn.functional.linear(x, weights[name + ".weight"], weights[name + ".bias"]);
}
