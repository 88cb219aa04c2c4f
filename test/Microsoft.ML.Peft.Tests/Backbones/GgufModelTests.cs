using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>A GGUF file of every supported architecture computes what the same model in Hugging Face layout does.</summary>
public sealed class GgufModelTests : IDisposable
{
    private static readonly long[] Tokens = [5, 9, 20, 7, 33, 12, 41, 8, 17, 29, 3, 50];

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryDirectory _directory = new();

    private string File => _directory.File("model.gguf");

    [Theory]
    [InlineData("tiny-llama", "llama")]
    [InlineData("tiny-mistral", "llama")]
    [InlineData("tiny-qwen2", "qwen2")]
    [InlineData("tiny-qwen3", "qwen3")]
    [InlineData("tiny-phi3", "phi3")]
    [InlineData("tiny-gpt2", "gpt2")]
    [InlineData("tiny-gptneox", "gptneox")]
    public void Each_architecture_is_the_same_model(string model, string architecture)
    {
        using var export = new GgufExport(Fixtures.Model(model), architecture);
        AssertSame(Fixtures.Model(model), export);
    }

    [Fact]
    public void Gemma_2_with_softcaps_and_windows_in_every_second_layer_is_the_same_model()
    {
        // The file has no key for the scale of queries: it is 1/√d.
        using var copy = new ModelCopy("tiny-gemma2").Configure("query_pre_attn_scalar", "12");
        using var export = new GgufExport(copy.Path, "gemma2");
        AssertSame(copy.Path, export);
    }

    [Fact]
    public void Gemma_3_with_two_rotary_bases_is_the_same_model()
    {
        using var export = new GgufExport(Fixtures.Model("tiny-gemma3"), "gemma3").With("attention.sliding_window_pattern", new[] { true, false, true });
        AssertSame(Fixtures.Model("tiny-gemma3"), export);
    }

    [Theory]
    [InlineData("gemma2", 4, null, new[] { true, false, true, false })]
    [InlineData("gemma3", 7, null, new[] { true, true, true, true, true, false, true })]
    [InlineData("gemma3", 4, 3u, new[] { true, true, false, true })]
    public void Without_a_list_the_layers_with_windows_follow_a_period(string architecture, int layers, uint? period, bool[] expected)
    {
        using var export = new GgufExport(Fixtures.Model("tiny-" + architecture), architecture).With("block_count", (uint)layers);
        if (period is not null)
            export.With("attention.sliding_window_pattern", period);
        var configuration = Configuration(export);
        Assert.Equal(expected, Enumerable.Range(0, layers).Select(configuration.IsSliding));
    }

    [Theory]
    [InlineData("gemma2", 46)]
    [InlineData("gemma3", 62)]
    public void The_largest_Gemma_scales_its_queries_by_its_width(string architecture, int layers)
    {
        using var export = new GgufExport(Fixtures.Model("tiny-" + architecture), architecture).With("block_count", (uint)layers);
        foreach (int i in Enumerable.Range(0, layers))
            export.Tensors[$"more.{i}"] = zeros(1);
        Assert.Equal(1 / Math.Sqrt(32 / 4), Configuration(export).AttentionScale!.Value, 1e-12);
    }

    [Fact]
    public void Llama_3_1_states_its_scaling_by_a_tensor()
    {
        using var export = new GgufExport(Fixtures.Model("tiny-llama3"), "llama");
        // As config.json has it: factor 8, low 1, high 4, 32 original positions, θ = 10000, 12 dimensions.
        export.Tensors["rope_freqs.weight"] = tensor(Enumerable.Range(0, 6).Select(pair =>
        {
            double wave = 2 * Math.PI * Math.Pow(10000, pair / 6.0);
            double blend = (32 / wave - 1) / (4 - 1);
            return wave < 8 ? 1f : wave > 32 ? 8f : (float)(1 / ((1 - blend) / 8 + blend));
        }).ToArray());
        AssertSame(Fixtures.Model("tiny-llama3"), export);
    }

    [Fact]
    public void Linear_scaling_is_the_same_under_its_old_and_new_keys()
    {
        using var copy = new ModelCopy("tiny-llama").Configure("rope_scaling", """{"rope_type": "linear", "factor": 4.0}""");
        using var export = new GgufExport(copy.Path, "llama").With("rope.scaling.type", "linear").With("rope.scaling.factor", 4f);
        AssertSame(copy.Path, export);
        using var old = new GgufExport(copy.Path, "llama").With("rope.scale_linear", 4f);
        AssertSame(copy.Path, old);
    }

    [Fact]
    public void YaRN_scaling_is_the_same_model()
    {
        using var copy = new ModelCopy("tiny-qwen2").Configure("rope_scaling",
            """{"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "beta_fast": 4.0, "beta_slow": 1.0}""");
        using var export = new GgufExport(copy.Path, "qwen2").With("rope.scaling.type", "yarn").With("rope.scaling.factor", 4f)
            .With("rope.scaling.original_context_length", 32u).With("rope.scaling.yarn_beta_fast", 4f).With("rope.scaling.yarn_beta_slow", 1f);
        AssertSame(copy.Path, export);
    }

    [Fact]
    public void Biases_of_attention_and_feed_forward_are_taken_along_in_the_rows_order()
    {
        using var copy = new ModelCopy("tiny-llama").Configure("attention_bias", "true").Configure("mlp_bias", "true").Rewrite(AddBiases);
        using var export = new GgufExport(copy.Path, "llama");
        Assert.Contains("blk.0.attn_q.bias", export.Tensors.Keys);
        AssertSame(copy.Path, export);
    }

    [Fact]
    public void A_part_of_each_head_may_be_rotated()
    {
        using var copy = new ModelCopy("tiny-phi3").Configure("rope_parameters", """{"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.75}""");
        using var export = new GgufExport(copy.Path, "phi3");
        Assert.Equal(6u, export.Metadata["phi3.rope.dimension_count"]);
        AssertSame(copy.Path, export);
    }

    [Fact]
    public void A_sequential_GPT_NeoX_is_the_same_model()
    {
        using var copy = new ModelCopy("tiny-gptneox").Configure("use_parallel_residual", "false");
        using var export = new GgufExport(copy.Path, "gptneox");
        AssertSame(copy.Path, export);
        using var original = new GgufExport(Fixtures.Model("tiny-gptneox"), "gptneox");
        Assert.True(Configuration(original).ParallelResidual);
    }

    [Fact]
    public void Queries_keys_and_values_may_be_one_tensor()
    {
        using var export = new GgufExport(Fixtures.Model("tiny-qwen2"), "qwen2");
        foreach (string layer in new[] { "blk.0.", "blk.1." })
        {
            foreach (string kind in new[] { ".weight", ".bias" })
            {
                string[] parts = ["attn_q", "attn_k", "attn_v"];
                export.Tensors[layer + "attn_qkv" + kind] = cat([.. parts.Select(part => export.Tensors[layer + part + kind])], 0);
                foreach (string part in parts)
                    export.Tensors.Remove(layer + part + kind);
            }
        }
        AssertSame(Fixtures.Model("tiny-qwen2"), export);
    }

    [Fact]
    public void A_model_without_an_output_layer_of_its_own_is_tied()
    {
        using var copy = new ModelCopy("tiny-llama").Configure("tie_word_embeddings", "true");
        using var export = new GgufExport(copy.Path, "llama");
        export.Tensors.Remove("output.weight");
        AssertSame(copy.Path, export);
    }

    [Fact]
    public void Counts_may_be_given_for_each_layer()
    {
        using var export = new GgufExport(Fixtures.Model("tiny-llama"), "llama").With("feed_forward_length", new[] { 96, 96 });
        AssertSame(Fixtures.Model("tiny-llama"), export);
    }

    [Fact]
    public void Every_token_that_ends_a_turn_ends_a_text()
    {
        using var export = new GgufExport(Fixtures.Model("tiny-llama"), "llama");
        export.Metadata["tokenizer.ggml.eot_token_id"] = 4u;
        export.Metadata["tokenizer.ggml.eom_token_id"] = 2u;
        using var model = PretrainedModel.Load(export.Write(File), Precision.Float32);
        Assert.Equal([2, 3, 4], model.Frozen.EndIds.Order());
    }

    public static TheoryData<string, object, string> Unsupported => new()
    {
        { "expert_count", 8u, "'llama.expert_count' of 8" },
        { "rope.scaling.type", "longrope", "rotary scaling 'longrope'" },
        { "rope.scaling.attn_factor", 1.19f, "'llama.rope.scaling.attn_factor' of 1.19" },
        { "rope.scaling.yarn_attn_factor", 0.5f, "'llama.rope.scaling.yarn_attn_factor' of 0.5" },
        { "rope.dimension_count", 4u, "rotates a part of each head (llama.rope.dimension_count)" },
        { "attention.causal", false, "'llama.attention.causal' of false" },
        { "attention.value_length", 16u, "llama.attention.value_length" },
        { "feed_forward_length", new[] { 96, 48 }, "'llama.feed_forward_length' that differs from layer to layer" },
        { "logit_scale", 0.5f, "'llama.logit_scale' of 0.5" },
    };

    [Theory]
    [MemberData(nameof(Unsupported))]
    public void Metadata_that_ask_for_what_is_not_supported_are_refused_by_name(string key, object value, string said)
    {
        using var export = new GgufExport(Fixtures.Model("tiny-llama"), "llama").With(key, value);
        AssertRefused<NotSupportedException>(export, said);
    }

    [Theory]
    [InlineData("general.architecture", "mamba", "holds a 'mamba' model; the supported architectures of GGUF files are llama, qwen2, qwen3, phi3, gemma2, gemma3, gpt2, gptneox")]
    [InlineData("general.type", "adapter", "its general.type is 'adapter'")]
    [InlineData("split.count", 3u, "one of the 3 files of a split model (split.count)")]
    [InlineData("tokenizer.ggml.pre", "tekken", "'tokenizer.ggml.pre' is 'tekken'")]
    public void A_file_that_holds_something_else_is_refused_by_name(string key, object value, string said)
    {
        using var export = new GgufExport(Fixtures.Model("tiny-llama"), "llama");
        export.Metadata[key] = value;
        AssertRefused<NotSupportedException>(export, said);
    }

    [Theory]
    [InlineData("rope_factors_long.weight")]
    [InlineData("blk.0.ffn_gate_inp.weight")]
    [InlineData("blk.1.attn_q_norm.weight")]
    [InlineData("blk.1.attn_output.bias")]
    [InlineData("cls.output.weight")]
    public void A_tensor_without_a_place_is_refused_by_name(string name)
    {
        using var export = new GgufExport(Fixtures.Model("tiny-llama"), "llama");
        export.Tensors[name] = ones(64);
        string message = Refuse<Exception>(export);
        Assert.Contains(name, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("embedding_length")]
    [InlineData("block_count")]
    [InlineData("context_length")]
    [InlineData("attention.head_count")]
    [InlineData("feed_forward_length")]
    [InlineData("attention.layer_norm_rms_epsilon")]
    public void Missing_metadata_are_named(string key)
    {
        using var export = new GgufExport(Fixtures.Model("tiny-llama"), "llama");
        export.Metadata.Remove("llama." + key);
        AssertRefused<InvalidDataException>(export, $"has no metadata value 'llama.{key}'");
    }

    [Theory]
    [InlineData("block_count", 100_000u, "100000 layers")]
    [InlineData("attention.head_count", 5u, "")]
    [InlineData("attention.head_count", uint.MaxValue, "which is no count")]
    [InlineData("attention.head_count_kv", 3u, "no multiple of the 3 key/value heads")]
    [InlineData("embedding_length", 32u, "tensor 'token_embd.weight' is [384, 64], but its metadata asks for [384, 32]")]
    [InlineData("rope.freq_base", -1f, "expected a number above 0")]
    [InlineData("attention.key_length", 7u, "")]
    public void Metadata_that_contradict_the_tensors_are_refused(string key, object value, string said)
    {
        using var export = new GgufExport(Fixtures.Model("tiny-llama"), "llama").With(key, value);
        Assert.Contains(said, Refuse<Exception>(export), StringComparison.Ordinal);
    }

    [Fact]
    public void Divisors_of_another_number_than_pairs_are_refused()
    {
        using var export = new GgufExport(Fixtures.Model("tiny-llama"), "llama");
        export.Tensors["rope_freqs.weight"] = ones(3);
        AssertRefused<InvalidDataException>(export, "'rope_freqs.weight' has not one value for each of the 4 rotated pairs");
    }

    public void Dispose()
    {
        _scope.Dispose();
        _directory.Dispose();
    }

    private void AssertSame(string directory, GgufExport export)
    {
        using var expected = PretrainedModel.Load(directory, Precision.Float32);
        using var actual = PretrainedModel.Load(export.Write(File), Precision.Float32);
        TensorAssert.Close(Logits(expected), Logits(actual), 1e-5);
        Assert.Equal(expected.Configuration.ModelType == "mistral" ? "llama" : expected.Configuration.ModelType, actual.Configuration.ModelType);
    }

    private static Tensor Logits(PretrainedModel model)
    {
        using var frozen = no_grad();
        var decoder = (Decoder)model.Frozen.Backbone;
        return decoder.Logits(Padded.Forward(decoder, tensor(Tokens, [1, Tokens.Length])));
    }

    private DecoderConfiguration Configuration(GgufExport export)
    {
        using var files = ModelFiles.At(export.Write(File));
        var config = files.ReadConfig();
        return (DecoderConfiguration)files.FamilyOf(config).Plan(config).Configuration;
    }

    private void AssertRefused<T>(GgufExport export, string said)
        where T : Exception
    {
        string message = Refuse<T>(export);
        Assert.Contains(said, message, StringComparison.Ordinal);
        Assert.Contains(File, message, StringComparison.Ordinal);
    }

    private string Refuse<T>(GgufExport export)
        where T : Exception
    {
        export.Write(File);
        var error = Assert.ThrowsAny<Exception>(() => PretrainedModel.Load(File, Precision.Float32).Dispose());
        Assert.True(error is T and (InvalidDataException or NotSupportedException), error.ToString());
        return error.Message;
    }

    private static void AddBiases(Dictionary<string, Tensor> tensors)
    {
        var generator = new Generator(5);
        foreach (string name in tensors.Keys.Where(name => name.EndsWith("_proj.weight", StringComparison.Ordinal)).ToArray())
            tensors[name.Replace(".weight", ".bias", StringComparison.Ordinal)] = randn(tensors[name].size(0), generator: generator);
    }
}
