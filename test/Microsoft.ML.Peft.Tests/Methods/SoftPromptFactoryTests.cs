using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class SoftPromptFactoryTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly PretrainedModel _model = PretrainedModel.Load(Fixtures.Model("tiny-electra"), Precision.Float32);

    public static TheoryData<string> Methods => TinyMethods.Names;

    private Tensor Words => _model.Frozen.Backbone.WordEmbeddings;

    [Fact]
    public void Random_prompts_stay_within_their_range()
    {
        var prompt = Start(new PromptTuningSettings(20) { Initialization = PromptInitialization.RandomUniform, InitializationRange = 0.01 });
        Assert.Equal([20, 24], prompt.shape);
        Assert.InRange(prompt.abs().max().item<float>(), 0.0095f, 0.01f);
    }

    [Fact]
    public void Sampled_prompts_are_embeddings_of_different_ordinary_tokens()
    {
        const int length = 396;     // all of the vocabulary but its 5 special tokens
        var prompt = Start(new PromptTuningSettings(length) { Initialization = PromptInitialization.SampledVocabulary });
        int[] tokens = [.. Enumerable.Range(0, length).Select(i => TokenOf(prompt[i]))];
        Assert.Equal(length, tokens.Distinct().Count());
        Assert.DoesNotContain(tokens, _model.Words.SpecialIds.Contains);
    }

    [Theory]
    [InlineData(1, new[] { "the" })]
    [InlineData(2, new[] { "the", "whale" })]
    [InlineData(5, new[] { "the", "whale", "the", "whale", "the" })]
    public void A_text_is_cut_or_repeated_to_the_virtual_tokens_without_special_tokens(int length, string[] expected) =>
        TensorAssert.Equal(Embeddings(expected), Start(new PromptTuningSettings(length) { InitializationText = "the whale" }));

    [Fact]
    public void Without_a_text_training_texts_are_taken_until_there_are_enough_tokens()
    {
        var source = TinyMethods.Source(_model, null, "the whale", "he was", "one man");
        TensorAssert.Equal(Embeddings("the", "whale", "he"), Start(new PromptTuningSettings(3), source));
    }

    [Fact]
    public void Label_words_start_the_prompt_with_the_label_names()
    {
        var settings = new PromptTuningSettings(3) { Initialization = PromptInitialization.LabelWords };
        TensorAssert.Equal(Embeddings("whale", "man", "whale"), Start(settings, TinyMethods.Source(_model, ["whale", "man"])));
        var error = Assert.Throws<InvalidOperationException>(() => Start(settings, TinyMethods.Source(_model)));
        Assert.Contains("LabelWords", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_without_tokens_is_refused()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Start(new PromptTuningSettings(3) { InitializationText = " " }));
        Assert.Contains("InitializationText", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_prefix_can_start_at_zero_or_standard_normal()
    {
        var zero = Start(new PrefixTuningSettings(3) { Initialization = PrefixInitialization.Zeros });
        Assert.Equal([3, 2 * 2 * 32], zero.shape);
        Assert.Equal(0, zero.abs().max().item<float>());
        var normal = Start(new PrefixTuningSettings(100) { Initialization = PrefixInitialization.Normal });
        Assert.InRange(normal.std().item<float>(), 0.97f, 1.03f);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_prefix_can_start_from_the_models_own_keys_and_values_of_a_text(bool projection)
    {
        var text = _model.Encode("the whale");
        using var soft = Create(new PrefixTuningSettings(text.Ids.Count) { InitializationText = "the whale", Projection = projection });
        using var frozen = no_grad();
        var prefix = soft.Forward().KeysValues!;                            // [2L, H, P, d]
        _model.Frozen.Backbone.Forward(TokenBatch.Create([text], 0, CPU), null, null, (layer, key, value) =>
        {
            TensorAssert.Close(key.transpose(0, 1), prefix[2 * layer], 1e-6);
            TensorAssert.Close(value.transpose(0, 1), prefix[2 * layer + 1], 1e-6);
        });
    }

    [Theory]
    [InlineData(PromptEncoder.Mlp)]
    [InlineData(PromptEncoder.Lstm)]
    public void P_tuning_starts_exactly_at_the_text(PromptEncoder encoder)
    {
        var settings = new PTuningSettings(3) { Encoder = encoder, InitializationText = "the whale" };
        TensorAssert.Equal(Embeddings("the", "whale", "the"), Start(settings));
    }

    [Fact]
    public void A_projected_prefix_in_the_papers_form_comes_from_the_network_alone()
    {
        using var soft = Create(new PrefixTuningSettings(3) { Projection = true, Initialization = PrefixInitialization.Normal });
        Assert.True(soft.Parameters["transform.2.weight"].abs().max().item<float>() > 0);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_same_seed_gives_the_same_parameters(string method)
    {
        using SoftPrompt first = Create(TinyMethods.Of(method)), second = Create(TinyMethods.Of(method));
        foreach (var (name, parameter) in first.Parameters)
            TensorAssert.Equal(parameter, second.Parameters[name]);
    }

    [Theory]
    [InlineData("prompt tuning", "embedding.weight [4, 24]")]
    [InlineData("prefix tuning", "embedding.weight [4, 128]")]
    [InlineData("projected prefix tuning", "embedding.weight [4, 32]; transform.0.bias [32]; transform.0.weight [32, 32]; transform.2.bias [128]; transform.2.weight [128, 32]")]
    [InlineData("P-tuning with an MLP", "embedding.weight [4, 24]; mlp_head.0.bias [24]; mlp_head.0.weight [24, 24]; mlp_head.2.bias [24]; mlp_head.2.weight [24, 24]; mlp_head.4.bias [24]; mlp_head.4.weight [24, 24]")]
    [InlineData("P-tuning with an LSTM",
        "embedding.weight [4, 24]; lstm_head.bias_hh_l0 [96]; lstm_head.bias_hh_l0_reverse [96]; lstm_head.bias_hh_l1 [96]; lstm_head.bias_hh_l1_reverse [96]; " +
        "lstm_head.bias_ih_l0 [96]; lstm_head.bias_ih_l0_reverse [96]; lstm_head.bias_ih_l1 [96]; lstm_head.bias_ih_l1_reverse [96]; " +
        "lstm_head.weight_hh_l0 [96, 24]; lstm_head.weight_hh_l0_reverse [96, 24]; lstm_head.weight_hh_l1 [96, 24]; lstm_head.weight_hh_l1_reverse [96, 24]; " +
        "lstm_head.weight_ih_l0 [96, 24]; lstm_head.weight_ih_l0_reverse [96, 24]; lstm_head.weight_ih_l1 [96, 48]; lstm_head.weight_ih_l1_reverse [96, 48]; " +
        "mlp_head.0.bias [48]; mlp_head.0.weight [48, 48]; mlp_head.2.bias [24]; mlp_head.2.weight [24, 48]")]
    public void Each_method_has_these_parameters(string method, string expected)
    {
        using var soft = Create(TinyMethods.Of(method));
        Assert.Equal(expected, string.Join("; ", soft.Parameters.Select(p => $"{p.Key} [{string.Join(", ", p.Value.shape)}]")));
        Assert.All(soft.Parameters.Values, parameter => Assert.True(parameter.requires_grad && parameter.dtype == ScalarType.Float32));
    }

    [Fact]
    public void Hidden_sizes_and_layers_of_the_networks_can_be_chosen()
    {
        using SoftPrompt prefix = Create(new PrefixTuningSettings(2) { Projection = true, ProjectionHiddenSize = 7 }),
            mlp = Create(new PTuningSettings(2) { EncoderHiddenSize = 5 }),
            lstm = Create(new PTuningSettings(2) { Encoder = PromptEncoder.Lstm, EncoderHiddenSize = 6, EncoderLayers = 3 });
        Assert.Equal([128, 7], prefix.Parameters["transform.2.weight"].shape);
        Assert.Equal([5, 5], mlp.Parameters["mlp_head.2.weight"].shape);
        Assert.Equal([24, 12], lstm.Parameters["lstm_head.weight_ih_l2"].shape);
        Assert.DoesNotContain("lstm_head.weight_ih_l3", lstm.Parameters.Keys);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_prompt_is_where_the_backbone_takes_it(string method)
    {
        using var soft = Create(TinyMethods.Of(method));
        var prompt = soft.Forward();
        Assert.Equal(4, prompt.Length);
        if (method.Contains("prefix", StringComparison.Ordinal))
        {
            Assert.Null(prompt.Embeddings);
            Assert.Equal(4, prompt.KeysValues!.Count);
            Assert.All(prompt.KeysValues, value => Assert.Equal([4, 4, 8], value.shape));
        }
        else
        {
            Assert.Null(prompt.KeysValues);
            Assert.Equal([4, 24], prompt.Embeddings!.shape);
        }
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_half_precision_model_gets_a_full_precision_soft_prompt(string method)
    {
        using var half = PretrainedModel.Load(Fixtures.Model("tiny-electra"), Precision.BFloat16);
        using var soft = Create(TinyMethods.Of(method), TinyMethods.Source(half));
        Assert.All(soft.Parameters.Values, parameter => Assert.Equal(ScalarType.Float32, parameter.dtype));
        using var frozen = no_grad();
        Assert.Equal(ScalarType.Float32, soft.Compute().dtype);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void An_encoder_decoders_file_has_twice_the_rows_of_an_input_prompt_and_the_model_takes_the_first(string method)
    {
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-t5"), Precision.Float32);
        using var soft = Create(TinyMethods.Of(method), TinyMethods.Source(model));
        using var frozen = no_grad();
        var file = soft.Compute();
        var prompt = soft.Forward();
        Assert.Equal(4, prompt.Length);
        if (method.Contains("prefix", StringComparison.Ordinal))
        {
            Assert.Equal([4, 2 * 2 * 32], file.shape);
            TensorAssert.Equal(prompt.KeysValues![0], prompt.KeysValues[2]);        // two layers share pair 0
            Assert.Equal(0, file.narrow(1, 64, 64).abs().max().item<float>());      // nothing reads pair 1
        }
        else
        {
            Assert.Equal([8, 32], file.shape);
            TensorAssert.Equal(file.narrow(0, 0, 4), prompt.Embeddings!);
        }
    }

    [Fact]
    public void An_encoder_decoders_prefix_starts_from_the_keys_and_values_of_its_decoder_writing_the_text_that_it_reads()
    {
        using var tiny = new TinyT5(1, 3, 3, 5, 8, gated: true, ownHead: true, scaled: false);
        using var model = tiny.Load();
        var text = model.Encode("the whale");
        using var soft = Create(new PrefixTuningSettings(text.Ids.Count) { InitializationText = "the whale" }, TinyMethods.Source(model));
        using var frozen = no_grad();
        var prefix = soft.Forward().KeysValues!;
        var batch = TokenBatch.Create([text], 0, CPU) with { Target = TokenBatch.Create([[0, .. text.Ids.SkipLast(1)]], CPU) };
        int layers = 0;
        model.Frozen.Backbone.Forward(batch, null, null, (layer, key, value) =>
        {
            TensorAssert.Close(key.transpose(0, 1), prefix[2 * layer], 1e-6);
            TensorAssert.Close(value.transpose(0, 1), prefix[2 * layer + 1], 1e-6);
            layers++;
        });
        Assert.Equal(3, layers);
    }

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
    }

    private SoftPrompt Create(MethodSettings settings, InitializationSource? source = null)
    {
        using var initializer = new Initializer(3, CPU);
        return SoftPromptFactory.Create(settings, source ?? TinyMethods.Source(_model), initializer);
    }

    private Tensor Start(MethodSettings settings, InitializationSource? source = null)
    {
        using var frozen = no_grad();
        using var soft = Create(settings, source);
        return soft.Compute().clone();
    }

    private Tensor Embeddings(params string[] tokens) =>
        stack(tokens.Select(token => Words[_model.Words.TokenToId(token)!.Value]), 0);

    private int TokenOf(Tensor embedding) => (int)(Words - embedding).abs().sum(1).argmin().item<long>();
}
