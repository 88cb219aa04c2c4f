using System.Text.Json.Nodes;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Backbones.Families;

namespace Microsoft.ML.Peft.Tests;

/// <summary>How each family reads `config.json`: what a file leaves out is what transformers takes for it, what it asks for and is not supported is refused.</summary>
public sealed class FamilyConfigurationTests
{
    private const string Llama = """
        {"model_type": "llama", "vocab_size": 100, "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 8, "max_position_embeddings": 128, "intermediate_size": 96}
        """;

    private const string NeoX = """
        {"model_type": "gpt_neox", "vocab_size": 100, "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 8, "max_position_embeddings": 128, "intermediate_size": 96}
        """;

    private const string Gpt2 = """{"model_type": "gpt2", "vocab_size": 100, "n_embd": 64, "n_layer": 4, "n_head": 8, "n_positions": 128}""";

    private const string Opt = """
        {"model_type": "opt", "vocab_size": 100, "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 8, "max_position_embeddings": 128, "ffn_dim": 96}
        """;

    [Theory]
    [InlineData("llama", 8, 8, 1e-6, false)]
    [InlineData("mistral", 8, 8, 1e-6, false)]
    [InlineData("qwen2", 32, 8, 1e-6, false)]
    [InlineData("qwen3", 32, 128, 1e-6, false)]
    [InlineData("phi3", 8, 8, 1e-5, false)]
    [InlineData("gemma2", 4, 256, 1e-6, true)]
    [InlineData("gemma3_text", 4, 256, 1e-6, true)]
    public void What_a_file_leaves_out_is_what_transformers_takes(string type, int keyValueHeads, int headSize, double epsilon, bool tied)
    {
        var configuration = Decoder(Llama, ("model_type", $"\"{type}\""));
        Assert.Equal((keyValueHeads, headSize, epsilon, tied), (configuration.KeyValueHeads, configuration.HeadSize, configuration.NormEpsilon, configuration.TiedHead));
        Assert.Equal(type == "gemma3_text" ? 1_000_000 : 10_000, configuration.Rotary!.Theta);
        Assert.Equal(type.StartsWith("gemma", StringComparison.Ordinal) ? Activation.GeluTanh : Activation.Silu, configuration.Activation);
    }

    [Fact]
    public void Null_key_value_heads_are_as_many_as_heads() =>
        Assert.Equal(8, Decoder(Llama, ("model_type", "\"mistral\""), ("num_key_value_heads", "null")).KeyValueHeads);

    [Fact]
    public void Biases_are_those_that_the_file_states()
    {
        Assert.Equal(DecoderBiases.None, Decoder(Llama).Biases);
        Assert.Equal(new DecoderBiases(true, true, false), Decoder(Llama, ("attention_bias", "true")).Biases);
        Assert.Equal(new DecoderBiases(false, false, true), Decoder(Llama, ("mlp_bias", "true")).Biases);
        Assert.Equal(new DecoderBiases(true, false, false), Decoder(Llama, ("model_type", "\"qwen2\"")).Biases);
        Assert.Equal(DecoderBiases.None, Decoder(Llama, ("model_type", "\"qwen3\"")).Biases);
        Assert.Equal(new DecoderBiases(true, true, false), Decoder(Llama, ("model_type", "\"gemma2\""), ("attention_bias", "true")).Biases);
        Assert.Equal(DecoderBiases.All, Decoder(NeoX).Biases);
        Assert.Equal(new DecoderBiases(false, false, true), Decoder(NeoX, ("attention_bias", "false")).Biases);
        Assert.Equal(DecoderBiases.All, Decoder(Gpt2).Biases);
        Assert.Equal(DecoderBiases.None, Decoder(Opt, ("enable_bias", "false")).Biases);
    }

    [Fact]
    public void Mistral_has_a_window_unless_the_file_says_null()
    {
        Assert.Equal(4096, Decoder(Llama, ("model_type", "\"mistral\"")).SlidingWindow);
        Assert.Equal(32, Decoder(Llama, ("model_type", "\"mistral\""), ("sliding_window", "32")).SlidingWindow);
        Assert.Null(Decoder(Llama, ("model_type", "\"mistral\""), ("sliding_window", "null")).SlidingWindow);
    }

    [Fact]
    public void Llama_has_no_window_even_where_a_file_names_one() => Assert.Null(Decoder(Llama, ("sliding_window", "32")).SlidingWindow);

    [Theory]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void Qwen_uses_its_window_on_demand_from_a_layer_on(string type)
    {
        var model = ("model_type", $"\"{type}\"");
        Assert.Null(Decoder(Llama, model, ("sliding_window", "32")).SlidingWindow);
        Assert.Null(Decoder(Llama, model, ("sliding_window", "32"), ("use_sliding_window", "false")).SlidingWindow);
        Assert.Equal([false, false, true, true], Sliding(Decoder(Llama, model, ("sliding_window", "32"), ("use_sliding_window", "true"), ("max_window_layers", "2"))));
        Assert.Equal([false, false, false, false], Sliding(Decoder(Llama, model, ("sliding_window", "32"), ("use_sliding_window", "true"))));
        Assert.Equal([true, false, false, true], Sliding(Decoder(Llama, model, ("sliding_window", "32"), ("use_sliding_window", "true"),
            ("layer_types", """["sliding_attention", "full_attention", "full_attention", "sliding_attention"]"""))));
    }

    [Fact]
    public void Gemma_2_has_windows_in_every_second_layer_and_softcaps()
    {
        var configuration = Decoder(Llama, ("model_type", "\"gemma2\""));
        Assert.Equal(4096, configuration.SlidingWindow);
        Assert.Equal([true, false, true, false], Sliding(configuration));
        Assert.Equal((50, 30), (configuration.AttentionSoftcap, configuration.LogitSoftcap));
        Assert.Equal(1 / 16.0, configuration.AttentionScale);
        var without = Decoder(Llama, ("model_type", "\"gemma2\""), ("attn_logit_softcapping", "null"), ("final_logit_softcapping", "null"), ("query_pre_attn_scalar", "144"));
        Assert.Null(without.AttentionSoftcap);
        Assert.Null(without.LogitSoftcap);
        Assert.Equal(1 / 12.0, without.AttentionScale);
    }

    [Theory]
    [InlineData("sliding_window_pattern")]
    [InlineData("_sliding_window_pattern")]
    public void Gemma_3_has_windows_in_all_layers_but_the_last_of_a_period(string key)
    {
        var configuration = Decoder(Llama, ("model_type", "\"gemma3_text\""), (key, "3"), ("rope_local_base_freq", "5000"), ("rope_scaling", """{"rope_type": "linear", "factor": 8.0}"""));
        Assert.Equal([true, true, false, true], Sliding(configuration));
        Assert.Equal((RotaryScaling.Linear, 8, 1_000_000), (configuration.Rotary!.Scaling, configuration.Rotary.Factor, configuration.Rotary.Theta));
        Assert.Equal((RotaryScaling.None, 5000), (configuration.LocalRotary!.Scaling, configuration.LocalRotary.Theta));
        Assert.Null(configuration.LogitSoftcap);
    }

    [Fact]
    public void Phi_3_may_rotate_a_part_of_each_head_and_have_a_window()
    {
        var configuration = Decoder(Llama, ("model_type", "\"phi3\""), ("partial_rotary_factor", "0.75"), ("sliding_window", "32"));
        Assert.Equal((6, 32), (configuration.Rotary!.SizeIn(configuration.HeadSize), configuration.SlidingWindow));
        Assert.Null(Decoder(Llama, ("model_type", "\"phi3\"")).SlidingWindow);
    }

    [Fact]
    public void GPT_NeoX_rotates_a_quarter_of_each_head_and_computes_side_by_side_unless_the_file_says_otherwise()
    {
        var configuration = Decoder(NeoX);
        Assert.Equal((2, true), (configuration.Rotary!.SizeIn(configuration.HeadSize), configuration.ParallelResidual));
        var other = Decoder(NeoX, ("use_parallel_residual", "false"), ("rotary_pct", "0.5"), ("rotary_emb_base", "500"));
        Assert.Equal((4, false, 500), (other.Rotary!.SizeIn(other.HeadSize), other.ParallelResidual, other.Rotary.Theta));
        Assert.Equal(4, Decoder(NeoX, ("rope_parameters", """{"rope_type": "default", "partial_rotary_factor": 0.5}""")).Rotary!.SizeIn(8));
    }

    [Theory]
    [InlineData(Llama, "quantization_config", """{"quant_method": "gptq", "bits": 4}""", "quantised by 'gptq' (quantization_config)")]
    [InlineData(Llama, "model_type", "\"mixtral\"", "describes a 'mixtral' model")]
    [InlineData(Llama, "model_type", "\"qwen2_moe\"", "describes a 'qwen2_moe' model")]
    [InlineData(Llama, "rope_scaling", """{"rope_type": "longrope", "short_factor": [], "long_factor": []}""", "rotary scaling 'longrope'")]
    [InlineData(Llama, "rope_scaling", """{"type": "su"}""", "rotary scaling 'su'")]
    [InlineData(Llama, "partial_rotary_factor", "0.5", "partial_rotary_factor")]
    [InlineData(NeoX, "rope_scaling", """{"type": "proportional"}""", "rotary scaling 'proportional'")]
    [InlineData(Gpt2, "scale_attn_by_inverse_layer_idx", "true", "scale_attn_by_inverse_layer_idx")]
    [InlineData(Gpt2, "scale_attn_weights", "false", "scale_attn_weights")]
    [InlineData(Gpt2, "reorder_and_upcast_attn", "true", "reorder_and_upcast_attn")]
    [InlineData(Gpt2, "add_cross_attention", "true", "add_cross_attention")]
    [InlineData(Opt, "do_layer_norm_before", "false", "do_layer_norm_before")]
    [InlineData(Opt, "_remove_final_layer_norm", "true", "_remove_final_layer_norm")]
    [InlineData(Opt, "layer_norm_elementwise_affine", "false", "layer_norm_elementwise_affine")]
    public void What_would_change_the_numbers_and_is_not_supported_is_refused_by_name(string file, string key, string value, string said)
    {
        string message = Assert.Throws<NotSupportedException>(() => Decoder(file, (key, value))).Message;
        Assert.StartsWith("'config.json' ", message, StringComparison.Ordinal);
        Assert.Contains(said, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("phi3", "rope_scaling", """{"type": "yarn", "factor": 2.0}""", "rotary scaling, which for Phi-3 is 'longrope'")]
    [InlineData("phi3", "rope_scaling", """{"type": "longrope"}""", "rotary scaling 'longrope'")]
    [InlineData("gemma2", "use_bidirectional_attention", "true", "bidirectional attention")]
    [InlineData("gemma2", "layer_types", """["full_attention", "chunked_attention", "full_attention", "full_attention"]""", "layers of the type 'chunked_attention'")]
    public void So_it_is_for_the_relatives_of_Llama(string type, string key, string value, string said) => Assert.Contains(
        said, Assert.Throws<NotSupportedException>(() => Decoder(Llama, ("model_type", $"\"{type}\""), (key, value))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("is_decoder")]
    [InlineData("add_cross_attention")]
    public void An_encoder_that_is_a_decoder_is_refused_by_name(string key) => Assert.Contains(
        key, Assert.Throws<NotSupportedException>(() => Plan(Llama, ("model_type", "\"bert\""), (key, "true"))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("rope_scaling", """{"rope_type": "linear"}""", "the rotary scaling 'linear' has no 'factor'")]
    [InlineData("rope_scaling", """{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0}""", "the rotary scaling 'llama3' has no 'high_freq_factor'")]
    [InlineData("rope_scaling", """{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 4.0, "high_freq_factor": 4.0}""", "high_freq_factor 4 of the rotary scaling 'llama3' is not above low_freq_factor 4")]
    [InlineData("head_dim", "7", "rotary positions turn 7 of a head's 7 dimensions")]
    [InlineData("rope_theta", "0", "a number above 0")]
    public void A_rotary_configuration_that_makes_no_sense_is_refused(string key, string value, string said) => Assert.Contains(
        said, Assert.Throws<InvalidDataException>(() => Decoder(Llama, (key, value))).Message, StringComparison.Ordinal);

    private static DecoderConfiguration Decoder(string file, params (string Key, string Value)[] changes) => (DecoderConfiguration)Plan(file, changes).Configuration;

    private static ModelPlan Plan(string file, params (string Key, string Value)[] changes)
    {
        var values = JsonNode.Parse(file)!.AsObject();
        foreach (var (key, value) in changes)
            values[key] = JsonNode.Parse(value);
        var config = ConfigFile.From("config.json", values);
        return ModelFamilies.Of(config).Plan(config);
    }

    private static IEnumerable<bool> Sliding(DecoderConfiguration configuration) => Enumerable.Range(0, configuration.Layers).Select(configuration.IsSliding);
}
