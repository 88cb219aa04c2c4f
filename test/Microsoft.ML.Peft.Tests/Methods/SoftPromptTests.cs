using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class SoftPromptTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly PretrainedModel _model = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
    private readonly Initializer _initializer = new(3, CPU);

    public static TheoryData<string> Methods => TinyMethods.Names;

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_parameter_of_prompt_and_head_gets_a_gradient_and_no_frozen_weight_does(string method)
    {
        using var soft = Create(TinyMethods.Of(method));
        using var head = CreateHead(HeadLayout.Linear);
        var encoder = _model.Frozen.Backbone;
        var batch = TokenBatch.Create([_model.Encode("the whale"), _model.Encode("he was not there")], 0, CPU);

        // Without a soft prompt nothing in the encoder asks for gradients.
        Assert.False(encoder.Forward(batch, null).requires_grad);
        head.Forward(encoder, batch, soft.Forward()).square().sum().backward();

        foreach (var (name, parameter) in soft.Parameters.Concat(head.Parameters).Where(entry => !ZeroAtTheStart(method, entry.Key)))
            Assert.True(parameter.grad is { } gradient && gradient.abs().max().item<float>() > 0, $"{name} has no gradient.");
        Assert.False(encoder.WordEmbeddings.requires_grad);
        Assert.False(encoder.Pooler!.Weight.requires_grad);
        Assert.Null(encoder.WordEmbeddings.grad);
    }

    [Fact]
    public void The_frozen_pooler_of_BERTs_own_head_gets_no_gradient()
    {
        using var soft = Create(TinyMethods.Of("prompt tuning"));
        using var head = CreateHead(_model.Frozen.Head);
        var batch = TokenBatch.Create([_model.Encode("the whale")], 0, CPU);
        head.Forward(_model.Frozen.Backbone, batch, soft.Forward()).square().sum().backward();
        Assert.Null(_model.Frozen.Backbone.Pooler!.Weight.grad);
        Assert.Equal(["classifier.bias", "classifier.weight"], head.Parameters.Keys);
    }

    [Fact]
    public void Dropout_of_the_LSTM_acts_only_while_training()
    {
        var settings = new PTuningSettings(4) { Encoder = PromptEncoder.Lstm, EncoderDropout = 0.5 };
        using SoftPrompt dropping = Create(settings), plain = Create(settings with { EncoderDropout = 0 });
        foreach (var soft in new[] { dropping, plain })
        {
            using var frozen = no_grad();
            using var generator = new Generator(9, CPU);
            soft.Parameters["mlp_head.2.weight"].copy_(randn(48, 96, generator: generator));
        }
        using (no_grad())
        {
            foreach (var (name, parameter) in dropping.Parameters)
                plain.Parameters[name].copy_(parameter);
            TensorAssert.Equal(dropping.Compute(), dropping.Compute());
            TensorAssert.Equal(plain.Compute(), dropping.Compute());
        }
        TensorAssert.Differ(dropping.Compute().detach(), dropping.Compute().detach());
        TensorAssert.Equal(plain.Compute().detach(), plain.Compute().detach());
    }

    [Fact]
    public void A_baked_prompt_is_an_own_copy_that_outlives_every_scope()
    {
        using var soft = Create(TinyMethods.Of("prefix tuning"));
        Prompt baked;
        using (NewDisposeScope())
        using (no_grad())
            baked = soft.Forward().Bake(ScalarType.BFloat16);
        soft.Dispose();
        Assert.Equal(ScalarType.BFloat16, baked.KeysValues![0].dtype);
        Assert.False(baked.KeysValues[0].requires_grad);
        Assert.All(baked.KeysValues, value => Assert.True(value.isfinite().all().item<bool>()));
        baked.Dispose();
        Assert.All(baked.KeysValues, value => Assert.True(value.IsInvalid));
    }

    public void Dispose()
    {
        _initializer.Dispose();
        _model.Dispose();
        _scope.Dispose();
    }

    /// <summary>What stands before a last layer of zeros has the gradient zero in the first step.</summary>
    private static bool ZeroAtTheStart(string method, string parameter) => method switch
    {
        "projected prefix tuning" => !parameter.StartsWith("transform.2", StringComparison.Ordinal),
        "P-tuning with an MLP" => !parameter.StartsWith("mlp_head.4", StringComparison.Ordinal),
        "P-tuning with an LSTM" => !parameter.StartsWith("mlp_head.2", StringComparison.Ordinal),
        _ => false,
    } && !parameter.StartsWith("classifier", StringComparison.Ordinal);

    private SoftPrompt Create(MethodSettings settings) => SoftPromptFactory.Create(settings, TinyMethods.Source(_model), _initializer);

    private SequenceHead CreateHead(HeadLayout layout) => new(
        layout == HeadLayout.Linear ? Pooling.Mean : Pooling.HuggingFace, layout,
        new Dictionary<string, Tensor> { ["classifier.weight"] = _initializer.Normal(1, 2, 48), ["classifier.bias"] = _initializer.Normal(1, 2) },
        _model.Frozen.Backbone.Pooler);
}
