using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>Adapters before training, because what they have learnt changes neither speed nor memory.</summary>
internal static class UntrainedAdapter
{
    /// <summary>An adapter for language modelling.</summary>
    public static Adapter ForWriting(PretrainedModel backbone, SoftPromptOptions options, IReadOnlyList<string> texts)
    {
        var method = options.ToMethodSettings();
        return new Adapter(AdapterConfigurations.Create(method, backbone, head: null), Prompt(backbone, method, options.Seed ?? 1, texts), null, null);
    }

    /// <summary>An adapter with a head of random values for some classes.</summary>
    public static Adapter ForClasses(PretrainedModel backbone, SoftPromptOptions options, IReadOnlyList<string> texts, IReadOnlyList<string> labels)
    {
        using var scope = NewDisposeScope();
        var method = options.ToMethodSettings();
        var pooling = options.Pooling == Pooling.Auto ? backbone.Frozen.Pooling : options.Pooling;
        using var initializer = new Initializer(options.Seed ?? 1, backbone.Frozen.Backbone.Device);
        var values = SequenceHead.Initialize(Adapter.Layout(pooling, backbone.Frozen), backbone.Configuration.HiddenSize, labels.Count, initializer)
            .ToDictionary(value => value.Key, value => rand_like(value.Value));
        return new Adapter(
            AdapterConfigurations.Create(method, backbone, pooling), Prompt(backbone, method, options.Seed ?? 1, texts), Adapter.CreateHead(pooling, backbone.Frozen, values),
            new HeadDescription { Task = PredictionTask.Multiclass, Pooling = pooling, Labels = labels });
    }

    private static Tensor Prompt(PretrainedModel backbone, MethodSettings method, int seed, IReadOnlyList<string> texts)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var model = backbone.Frozen.Backbone;
        using var initializer = new Initializer(seed, model.Device);
        var source = new InitializationSource(
            model, text => backbone.Words.Encode(text).Ids, backbone.Words.SpecialIds, texts.Select(text => backbone.Words.Encode(text).Ids), null);
        using var softPrompt = SoftPromptFactory.Create(method, source, initializer);
        return softPrompt.Compute().detach().clone().DetachFromDisposeScope();
    }
}
